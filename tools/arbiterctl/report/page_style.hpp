// How the page of a report looks: on a wide screen, on a phone, on paper, light and dark.
#pragma once

#include <string_view>

namespace arbiter::ctl {

inline constexpr std::string_view kPageStyle = R"css(
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1d2126; --faint: #667079; --line: #d9dde1; --card: #f5f6f8; --bad: #b3202e; --good: #1c7a3f;
  --plot-background: var(--paper);
}
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181c; --ink: #e4e7ea; --faint: #98a1aa; --line: #333a41; --card: #1e2328; --bad: #ff7b84; --good: #6fce8f; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 68rem; padding: 1.5rem 1.25rem 3rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; }
header p, figcaption, .faint { color: var(--faint); margin: 0; font-size: .875rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.25rem, 1fr)); gap: .75rem; margin: 1.25rem 0 0; padding: 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .625rem .875rem; }
.tiles dt { color: var(--faint); font-size: .8125rem; }
.tiles dd { margin: 0; font-size: 1.375rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
.tiles dd small { display: block; font-size: .75rem; font-weight: 400; color: var(--faint); }
figure { margin: 0 0 1rem; break-inside: avoid; display: none; }
.drawn figure { display: block; }
.drawn figure[hidden] { display: none; }
.plot { overflow: hidden; }
.plot figure { margin: 0; }
.plot svg { display: block; max-width: 100%; height: auto; }
.plot [class$="-swatches"] { min-height: 0; margin: .375rem 0; font-family: inherit; }
.columns { display: grid; grid-template-columns: 1fr 1fr; gap: 0 1.5rem; align-items: end; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3125rem .75rem .3125rem 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--faint); font-weight: 500; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 7rem; }
tr { break-inside: avoid; }
details > summary { cursor: pointer; color: var(--faint); margin: .75rem 0 .25rem; }
article { border-left: .25rem solid var(--line); padding: .125rem 0 .125rem .875rem; margin: 1rem 0; break-inside: avoid; }
article h3 { font-size: 1rem; margin: 0; }
article p, article ul { margin: .125rem 0; }
article ul { padding-left: 1.25rem; }
article.high, article.critical { border-color: var(--bad); }
.good { color: var(--good); }
.bad { color: var(--bad); }
code { font-size: .8125rem; }
footer { margin-top: 2.5rem; color: var(--faint); font-size: .8125rem; }
@media (max-width: 47rem) {
  body { padding: 1rem .875rem 2rem; }
  .columns { grid-template-columns: 1fr; }
  .tiles { grid-template-columns: 1fr 1fr; gap: .5rem; }
  .tiles dd { font-size: 1.125rem; }
}
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --faint: #444; --line: #bbb; --card: #fff; --bad: #900; --good: #060; }
  @page { margin: 14mm; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2 { break-after: avoid; }
  details > summary { display: none; }
}
)css";

}  // namespace arbiter::ctl
