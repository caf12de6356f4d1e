"use strict";
// The candlestick chart of an instrument: one element with data-chart says where its bars are.
{
  const element = document.querySelector("[data-chart]");
  const reading = document.querySelector("[data-reading]");
  const legend = document.querySelector("[data-legend]");
  const decimals = Number(element.dataset.decimals);
  const REFRESH = 60_000;
  const LOAD_AHEAD = 50; // bars left of the view when earlier ones are fetched

  const bars = new Map(); // by time: seconds, or the date of a daily bar
  const said = new Map(); // the signals that are marked, by id
  const gaps = new Map(); // by the time of the first missing bar
  const missing = new Map(); // the gap of each missing bar, by its time
  const byTime = (one, other) => (one.time < other.time ? -1 : 1);
  let newest;
  let colours;
  let earlier = null;
  let loading = false;

  const price = (value) => value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const zoned = element.dataset.zone && new Intl.DateTimeFormat("en-GB", {
    timeZone: element.dataset.zone, weekday: "short", hour: "2-digit", minute: "2-digit",
  });

  // A daily bar is its date everywhere; an intraday one is UTC with the exchange's own time beside it.
  function moment(time) {
    if (typeof time === "string") return time;
    const at = new Date(time * 1000);
    const utc = `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
    return zoned ? `${utc}, ${zoned.format(at)} ${element.dataset.city}` : utc;
  }

  // The colours are those of the legend, so that the chart can never say something else.
  function palette() {
    const keys = [...legend.querySelectorAll("[data-colour]")];
    const named = Object.fromEntries(keys.map((key) => [key.dataset.colour, getComputedStyle(key).color]));
    const page = getComputedStyle(element);
    return { ...named, quiet: getComputedStyle(legend).color, text: page.color, background: page.backgroundColor, line: page.borderTopColor };
  }

  const chart = LightweightCharts.createChart(element, {
    autoSize: true,
    layout: { attributionLogo: false },
    crosshair: { mode: LightweightCharts.CrosshairMode.Normal },
    localization: { locale: "en-US", timeFormatter: moment },
    timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 3 },
  });
  const candles = chart.addSeries(LightweightCharts.CandlestickSeries, {
    priceFormat: { type: "price", precision: decimals, minMove: 10 ** -decimals },
  });
  candles.attachPrimitive({ paneViews: () => [{ zOrder: () => "bottom", renderer: () => ({ draw: shade }) }] });
  const markers = LightweightCharts.createSeriesMarkers(candles, []);
  const volume = chart.addSeries(LightweightCharts.HistogramSeries, {
    priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false,
  }, 1);
  chart.panes()[0].setStretchFactor(4);
  chart.panes()[1].setStretchFactor(1);

  function tone(bar) {
    const up = bar.close >= bar.open;
    const edge = bar.suspect ? colours.suspect
      : bar.extended ? (up ? colours.upPale : colours.downPale)
      : up ? colours.up : colours.down;
    const fill = bar.unfinished ? (up ? colours.upPale : colours.downPale) : edge;
    return { color: fill, borderColor: edge, wickColor: edge };
  }

  // A gap is shaded from its first missing bar to its last, and named where there is room for its name.
  function shade(target) {
    const scale = chart.timeScale();
    const half = scale.options().barSpacing / 2;
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      for (const { times, reason, name } of gaps.values()) {
        const [left, right] = [scale.timeToCoordinate(times[0]), scale.timeToCoordinate(times.at(-1))];
        if (left === null || right === null) continue;
        context.fillStyle = colours[reason];
        context.fillRect(left - half, 0, right - left + 2 * half, mediaSize.height);
        context.fillStyle = colours.quiet;
        context.font = "11px system-ui, sans-serif";
        if (context.measureText(name).width < right - left + half) context.fillText(name, left, 14);
      }
    });
  }

  function draw() {
    colours = palette();
    chart.applyOptions({
      layout: {
        background: { type: "solid", color: colours.background },
        textColor: colours.text,
        panes: { separatorColor: colours.line },
      },
      grid: { vertLines: { color: colours.line }, horzLines: { color: colours.line } },
      rightPriceScale: { borderColor: colours.line },
      timeScale: { borderColor: colours.line },
    });
    const shown = [...bars.values()].sort(byTime);
    const lost = [...missing.keys()].filter((time) => !bars.has(time)).map((time) => ({ time }));
    newest = shown.at(-1)?.time;
    candles.setData([...shown.map((bar) => ({ ...bar, ...tone(bar) })), ...lost].sort(byTime));
    volume.setData(shown.map((bar) => ({
      time: bar.time, value: bar.volume, color: bar.close >= bar.open ? colours.upPale : colours.downPale,
    })));
    const suspects = shown.filter((bar) => bar.suspect).map((bar) => ({
      time: bar.time, position: "aboveBar", shape: "arrowDown", color: colours.suspect, text: "suspect",
    }));
    const signals = [...said.values()].filter((one) => bars.has(one.time)).map((one) => (one.kind === "buy"
      ? { time: one.time, position: "belowBar", shape: "arrowUp", color: colours.up, text: one.text }
      : { time: one.time, position: "aboveBar", shape: "arrowDown", color: colours.down, text: one.text }));
    markers.setMarkers([...suspects, ...signals].sort(byTime));
    element.dataset.drawn = bars.size;
    read(newest);
  }

  function read(time) {
    const bar = bars.get(time);
    const gap = missing.get(time);
    if (bar) {
      const prices = `open ${price(bar.open)}, high ${price(bar.high)}, low ${price(bar.low)}, close ${price(bar.close)}`;
      const notes = [
        bar.source,
        bar.extended && "extended hours",
        bar.unfinished && "not final yet",
        bar.suspect && "suspect",
        bar.revisions && `${bar.revisions} revisions`,
      ].filter(Boolean).join(", ");
      reading.textContent = `${moment(time)}: ${prices}, volume ${bar.volume.toLocaleString("en-US")} (${notes})`;
    } else if (gap) {
      reading.textContent = `${moment(time)}: gap. ${gap.says}`;
    }
  }

  async function load(address) {
    if (loading) return;
    loading = true;
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
      const found = await answer.json();
      for (const bar of found.bars) bars.set(bar.time, bar);
      for (const one of found.markers) said.set(one.id, one);
      for (const gap of found.gaps) {
        gaps.set(gap.times[0], gap);
        for (const time of gap.times) missing.set(time, gap);
      }
      draw();
      return found;
    } catch {
      reading.textContent = "The bars could not be loaded. The table below shows the newest ones; reload the page to try again.";
    } finally {
      loading = false;
    }
  }

  async function loadEarlier(range) {
    if (!range || range.from > LOAD_AHEAD || earlier === null || loading) return;
    const found = await load(new URL(earlier, new URL(element.dataset.bars, location.href)));
    if (found) earlier = found.earlier;
  }

  async function start() {
    const found = await load(element.dataset.bars);
    if (!found) return;
    earlier = found.earlier;
    chart.timeScale().subscribeVisibleLogicalRangeChange(loadEarlier);
  }

  chart.subscribeCrosshairMove((cursor) => read(cursor.time ?? newest));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  setInterval(() => document.hidden || load(element.dataset.bars), REFRESH);
  start();
}
