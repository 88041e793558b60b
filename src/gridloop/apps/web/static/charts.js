// Makes charts of figures that hold their numbers: values under the pointer or the arrow keys, a stretch to look into,
// intervals as bands and spans. Python sends numbers and words, what they look like is decided here.
import { init } from "./vendor/echarts.min.js";

const COLOURS = { "": "--accent", second: "--chart-second", third: "--chart-third" };
const DASHES = { "": "solid", second: [6, 4], third: [2, 3] };
const LONG = 60; // places from which a stretch can be looked into
const drawn = new Map();

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function number(value, digits) {
  return new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: digits }).format(value);
}

function font() {
  return getComputedStyle(document.body).fontFamily;
}

/** A value with its interval and unit, as people read it. */
export function told(data, value, low, high) {
  if (value === null || value === undefined) return "–";
  const said = `${number(value, data.digits)} ${data.unit}`;
  return low === null || low === undefined ? said : `${said} (${number(low, data.digits)} … ${number(high, data.digits)})`;
}

function sayPlace(data, place) {
  const lines = data.series.map((one) => `${one.name}: ${told(data, one.values[place], one.low?.[place], one.high?.[place])}`);
  return [data.places[place], ...lines].join("\n");
}

/** Runs of places at which both bounds are known: no band is drawn across a gap. */
export function stretches(low, high) {
  const found = [];
  let run = [];
  low.forEach((value, place) => {
    if (value === null || high[place] === null) {
      if (run.length) found.push(run);
      run = [];
    } else run.push(place);
  });
  if (run.length) found.push(run);
  return found;
}

function band(one, paint) {
  return {
    type: "custom",
    name: one.name,
    silent: true,
    clip: true,
    z: 1,
    data: stretches(one.low, one.high).map((run) => [run[0], run.at(-1)]),
    encode: { x: [0, 1] },
    renderItem(params, api) {
      const first = api.value(0);
      const last = api.value(1);
      const upper = [];
      const lower = [];
      for (let place = first; place <= last; place += 1) {
        upper.push(api.coord([place, one.high[place]]));
        lower.unshift(api.coord([place, one.low[place]]));
      }
      return { type: "polygon", shape: { points: [...upper, ...lower] }, style: { fill: paint, opacity: 0.18 } };
    },
  };
}

function lines(data, narrow) {
  const soft = colour("--soft");
  const text = { color: soft, fontFamily: font(), fontSize: 12 };
  const series = data.series.flatMap((one, index) => {
    const paint = colour(COLOURS[one.kind] ?? COLOURS[""]);
    const line = {
      type: "line",
      name: one.name,
      data: one.values,
      showSymbol: false,
      connectNulls: false,
      z: 3,
      lineStyle: { color: paint, width: 2, type: DASHES[one.kind] ?? "solid" },
      itemStyle: { color: paint },
    };
    if (data.zero && data.series.length === 1) line.areaStyle = { color: paint, opacity: 0.1 };
    if (index === 0 && data.windows.length) {
      line.markArea = {
        silent: true,
        itemStyle: { color: colour("--chart-window"), opacity: 0.35 },
        label: { ...text, color: colour("--ink"), fontWeight: 600, position: "insideBottom", show: !narrow },
        data: data.windows.map(([from, to, name]) => [{ name, xAxis: Math.round(from) }, { xAxis: Math.round(to) }]),
      };
    }
    return one.low && one.high ? [band(one, paint), line] : [line];
  });
  return {
    animation: false,
    grid: { left: 8, right: 14, top: 34, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    legend: { top: 0, left: 52, textStyle: { ...text, color: colour("--ink") }, itemWidth: 22, itemHeight: 2, selectedMode: data.series.length > 1, data: data.series.map((one) => one.name) },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      axisPointer: { type: "line", lineStyle: { color: soft } },
      backgroundColor: colour("--surface"),
      borderColor: colour("--line-strong"),
      textStyle: { color: colour("--ink"), fontFamily: font(), fontSize: 13, lineHeight: 19 },
      formatter: (found) => sayPlace(data, found[0].dataIndex),
    },
    xAxis: {
      type: "category",
      data: data.places,
      boundaryGap: false,
      axisLine: { lineStyle: { color: colour("--line-strong") } },
      axisTick: { show: false },
      axisLabel: { ...text, interval: (place) => place % (data.every * (narrow ? 2 : 1)) === 0, hideOverlap: true },
    },
    yAxis: {
      type: "value",
      scale: !data.zero,
      name: data.unit,
      nameLocation: "end",
      nameGap: 20,
      nameTextStyle: { ...text, align: "right", padding: [0, 6, 0, 0] },
      splitNumber: 4,
      splitLine: { lineStyle: { color: colour("--line") } },
      axisLabel: { ...text, formatter: (value) => number(value, 3) },
    },
    dataZoom: data.places.length > LONG ? [{ type: "inside", zoomOnMouseWheel: "ctrl", moveOnMouseWheel: false }] : [],
    series,
  };
}

/** Whether an interval holds zero: nothing is known of the direction then. */
export function open(row) {
  return row.low <= 0 && row.high >= 0;
}

function forest(data, narrow) {
  const rows = data.rows;
  const ink = colour("--ink");
  const text = { color: ink, fontFamily: font(), fontSize: 13 };
  const known = rows.map((row, place) => [place, row.value, row.low, row.high]).filter((one) => one[1] !== null);
  return {
    animation: false,
    grid: { left: narrow ? 10 : 170, right: 18, top: 10, bottom: 30 },
    tooltip: {
      trigger: "item",
      renderMode: "richText",
      confine: true,
      backgroundColor: colour("--surface"),
      borderColor: colour("--line-strong"),
      textStyle: { color: ink, fontFamily: font(), fontSize: 13, lineHeight: 19 },
      formatter: (one) => `${rows[one.data[0]].name}\n${rows[one.data[0]].text}`,
    },
    xAxis: {
      type: "value",
      name: data.unit,
      nameLocation: "end",
      nameTextStyle: { ...text, color: colour("--soft"), align: "right", verticalAlign: "top", padding: [22, 0, 0, 0] },
      nameGap: 0,
      min: (axis) => Math.min(0, ...known.map((one) => one[2])) - 0.08 * (axis.max - axis.min || 1),
      max: (axis) => Math.max(0, ...known.map((one) => one[3])) + 0.08 * (axis.max - axis.min || 1),
      splitNumber: narrow ? 3 : 5,
      splitLine: { lineStyle: { color: colour("--line") } },
      axisLabel: { ...text, color: colour("--soft"), fontSize: 12, showMinLabel: false, showMaxLabel: false, formatter: (value) => number(value, 2) },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: rows.map((row) => row.name),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: narrow ? { show: false } : { ...text, width: 155, overflow: "break" },
    },
    series: [
      {
        type: "custom",
        data: rows.map((row, place) => [place, row.value ?? 0, row.low ?? 0, row.high ?? 0]),
        encode: { x: [1, 2, 3], y: 0 },
        renderItem(params, api) {
          const row = rows[api.value(0)];
          if (row.value === null) {
            const [, y] = api.coord([0, api.value(0)]);
            const says = narrow ? `${row.name}: ${row.text}` : row.text;
            return { type: "text", style: { text: says, x: params.coordSys.x + (narrow ? 0 : 8), y: y - 7, fill: colour("--soft"), font: `13px ${font()}` } };
          }
          const free = open(row);
          const paint = row.misleading || free ? colour("--chart-second") : colour("--accent");
          const [low, y] = api.coord([row.low, api.value(0)]);
          const [high] = api.coord([row.high, api.value(0)]);
          const [middle] = api.coord([row.value, api.value(0)]);
          const stroke = { stroke: paint, lineWidth: 2, lineDash: row.misleading ? [5, 4] : null };
          const cap = (x) => ({ type: "line", shape: { x1: x, y1: y - 6, x2: x, y2: y + 6 }, style: stroke });
          const name = { type: "text", style: { text: row.name, x: params.coordSys.x, y: y - 30, fill: ink, font: `13px ${font()}` } };
          return {
            type: "group",
            children: [
              ...(narrow ? [name] : []),
              { type: "line", shape: { x1: low, y1: y, x2: high, y2: y }, style: stroke },
              cap(low),
              cap(high),
              { type: "circle", shape: { cx: middle, cy: y, r: 6 }, style: { fill: free || row.misleading ? colour("--surface") : paint, stroke: paint, lineWidth: 2 } },
            ],
          };
        },
        markLine: {
          silent: true,
          symbol: "none",
          label: { show: false },
          lineStyle: { color: ink, width: 1.25, type: "solid" },
          data: [{ xAxis: 0 }],
        },
      },
    ],
  };
}

function height(data, narrow) {
  return data.kind === "forest" ? 52 + (narrow ? 62 : 46) * data.rows.length : narrow ? 240 : 280;
}

/** Arrow keys walk through the values; what is there is said aloud. */
function keys(place, chart, data) {
  const said = document.createElement("p");
  said.className = "chart-told hidden-text";
  said.setAttribute("aria-live", "polite");
  place.after(said);
  const count = data.kind === "forest" ? data.rows.length : data.places.length;
  let at = -1;
  place.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -count, End: count, PageUp: -10, PageDown: 10 }[event.key];
    if (!step) return;
    event.preventDefault();
    at = Math.min(Math.max(at + step, 0), count - 1);
    if (data.kind === "forest") said.textContent = `${data.rows[at].name}: ${data.rows[at].text}`;
    else {
      const series = chart.getOption().series.findIndex((one) => one.type === "line");
      chart.dispatchAction({ type: "showTip", seriesIndex: series, dataIndex: at });
      said.textContent = sayPlace(data, at).replaceAll("\n", ", ");
    }
  });
  place.addEventListener("blur", () => chart.dispatchAction({ type: "hideTip" }));
}

function draw(figure) {
  const data = JSON.parse(figure.dataset.chart);
  const place = document.createElement("div");
  place.className = "chart-live";
  place.tabIndex = 0;
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", data.title);
  figure.append(place);
  figure.classList.add("live");
  const narrow = () => place.clientWidth < 480;
  const option = () => (data.kind === "forest" ? forest(data, narrow()) : lines(data, narrow()));
  place.style.height = `${height(data, narrow())}px`;
  const chart = init(place, null, { renderer: "canvas" });
  chart.setOption(option());
  keys(place, chart, data);
  let was = narrow();
  const watch = new ResizeObserver(() => {
    if (!place.isConnected) {
      watch.disconnect();
      chart.dispose();
      drawn.delete(figure);
      return;
    }
    if (was !== narrow()) {
      was = narrow();
      place.style.height = `${height(data, was)}px`;
      chart.setOption(option(), true);
    }
    chart.resize();
  });
  watch.observe(place);
  drawn.set(figure, chart);
}

/** The chart of a figure, for whoever looks closely. */
export function chartOf(figure) {
  return drawn.get(figure);
}

function drawAll() {
  for (const figure of document.querySelectorAll("figure.chart:not(.live)")) draw(figure);
}

drawAll();
document.addEventListener("htmx:afterSettle", drawAll);
