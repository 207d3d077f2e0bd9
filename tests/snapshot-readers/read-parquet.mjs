// Prints what hyparquet finds in a Parquet file, one JSON document: its columns, and every row. Times are decimal strings of nanoseconds.
import { parquetReadObjects, parquetMetadataAsync, parquetSchema, asyncBufferFromFile } from 'hyparquet'
import { decompress } from 'fzstd'

const file = await asyncBufferFromFile(process.argv[2])
const metadata = await parquetMetadataAsync(file)
const compressors = { ZSTD: (input, outputLength) => decompress(input, new Uint8Array(outputLength)) }
// Nanoseconds as they stand in the file: a Date would cut them.
const parsers = { timestampFromNanoseconds: (nanos) => nanos.toString() }
const rows = await parquetReadObjects({ file, metadata, compressors, parsers })
const columns = parquetSchema(metadata).children.map((c) => `${c.element.name}:${c.element.logical_type?.type ?? c.element.type}`)
const statistics = metadata.row_groups.map((group) =>
  group.columns.map(({ meta_data: m }) => ({
    column: m.path_in_schema.join('.'),
    encodings: m.encodings,
    nulls: m.statistics?.null_count,
  })),
)
const plain = (_, value) => (typeof value === 'bigint' ? Number(value) : value)
console.log(JSON.stringify({ columns, rows, rowGroups: metadata.row_groups.length, statistics: statistics[0] ?? [] }, plain))
