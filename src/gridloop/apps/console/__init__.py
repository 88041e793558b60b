"""The console: the loop on a screen. A page is one module here and one template.

How to add a page:

1. Write `console/<subject>.py`: functions `Context -> Answer`, and `PAGES = (Page(...),)`; forms are `ACTIONS`.
   An answer's `rows` are the main table and become `.csv`; `facts` are the rest and become `.json`; `pictures`
   are SVG from `web.drawing`. What is not there raises UsageError (404), what may not be done NotPermitted (403).
   Filters come from `context.query`; `context.to(address, …)` links to what may not be there;
   `context.remembered(name, make)` keeps what is dear; `context.basis(…)` tells how a number came
   about. The module stays below 500 lines; heavy libraries are imported in functions.
2. Write `console/templates/<subject>.html`: it extends `layout.html`, fills `content` (and `lead`, `crumbs`, `actions`,
   `head`), and uses the macros of `macros.html` as `ui`: `card`, `figure`, `table`, `cells`, `twin`, `basis`, `linked`,
   `pager`, `pill`, `form`, and the four looks `empty`, `stale`, `failed`, `withheld`. No inline style or script: the
   policy forbids both. Look at `overview.html` and `jobs.html`.
3. Name the module in `console/app.py`, in the order of the navigation.
4. Texts: `context.text("…")` or `mark("…")` in Python, `_("…")` in templates, English; `{name}` for values.
   Chinese stands in `library/locale/zh/LC_MESSAGES/<subject>.po`; `make catalogues` adds what is missing there,
   a test fails on a missing, fuzzy or English one. Numbers and times only through `words`.
5. Test: tests/apps/console/test_<subject>.py with the fixture `site` (`page(path)`, `submit(path, **fields)`);
   tests/e2e drives every listed page.
"""
