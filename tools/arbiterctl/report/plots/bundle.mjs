// Bundles plots.js and the licences of what goes into it into one file: node bundle.mjs OUTPUT
import {readFileSync, readdirSync, writeFileSync} from "node:fs";
import {build} from "esbuild";

const output = process.argv[2];
const made = await build({
  entryPoints: ["plots.js"], bundle: true, minify: true, format: "iife", target: "es2020", charset: "utf8", legalComments: "none",
  metafile: true, write: false,
});
const packages = new Set();
for (const input of Object.keys(made.metafile.inputs)) {
  const at = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
  if (at) packages.add(at[1]);
}
const notices = [...packages].sort().map((name) => {
  const directory = `node_modules/${name}`;
  const {version, license} = JSON.parse(readFileSync(`${directory}/package.json`, "utf8"));
  const file = readdirSync(directory).find((entry) => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${file ? readFileSync(`${directory}/${file}`, "utf8").trim() : ""}\n`;
});
const script = made.outputFiles[0].text;
if (/<\/script/i.test(script)) throw new Error("the bundle holds </script, which would end it inside a page");
writeFileSync(output, `${script}/*\n${notices.join("\n").replaceAll("*/", "* /")}*/\n`);
