"use strict";
// A candlestick chart: one element with data-chart says where its bars are. What comes with the bars decides what
// else is drawn: the levels of a signal ("lines"), its indicators ("series"), the bar that spoke ("spoke").
{
  const element = document.querySelector("[data-chart]");
  const reading = document.querySelector("[data-reading]");
  const notes = document.querySelector("[data-notes]"); // what the bars do not show, in words
  const legend = document.querySelector("[data-legend]");
  const decimals = Number(element.dataset.decimals);
  const REFRESH = 60_000;
  const LOAD_AHEAD = 50; // bars left of the view when earlier ones are fetched
  const BEFORE = 70; // bars shown before the one that spoke
  const DASHES = { entry: 0, stop: 2, target: 1 }; // solid, dashed, dotted: the colour is not the only sign

  const bars = new Map(); // by time: seconds, or the date of a daily bar
  const marked = new Map(); // the markers of signals, by id
  const gaps = new Map(); // by the time of the first missing bar
  const missing = new Map(); // the gap of each missing bar, by its time
  const byTime = (a, b) => (a.time < b.time ? -1 : 1);
  let newest;
  let spoke;
  let colours;
  let chart;
  let candles;
  let volume;
  let markers;
  const drawings = []; // what follows the colours of the page: the levels and the indicators
  let levels = []; // the prices of the signal's levels
  let earlier = null;
  let loading = false;

  const price = (value) => value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const inZone = (timeZone, parts) => new Intl.DateTimeFormat("en-GB", { timeZone, ...parts });
  const viewer = element.dataset.viewer;
  const here = inZone(viewer, { year: "numeric", month: "2-digit", day: "2-digit", ...clock, timeZoneName: "short" });
  const onAxis = { day: inZone(viewer, { day: "numeric", month: "short" }), time: inZone(viewer, clock) };
  const atExchange = element.dataset.zone && element.dataset.zone !== viewer && inZone(element.dataset.zone, { weekday: "short", ...clock });

  // A daily bar is its date everywhere; an intraday one is the viewer's time with the exchange's own beside it.
  function moment(time) {
    if (typeof time === "string") return time;
    const at = new Date(time * 1000);
    const part = Object.fromEntries(here.formatToParts(at).map(({ type, value }) => [type, value]));
    const local = `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute} ${part.timeZoneName}`;
    return atExchange ? `${local}, ${atExchange.format(at)} ${element.dataset.city}` : local;
  }

  // The chart begins a day at midnight UTC; where that is another hour for the viewer, the hour is said, too.
  function tick(time, kind) {
    if (typeof time === "string" || kind < LightweightCharts.TickMarkType.DayOfMonth) return null;
    const at = new Date(time * 1000);
    const [day, hour] = [onAxis.day.format(at), onAxis.time.format(at)];
    if (kind !== LightweightCharts.TickMarkType.DayOfMonth) return hour;
    return hour === "00:00" ? day : `${day} ${hour}`;
  }

  // The colours are those of the legend, so that the chart can never say something else.
  function palette() {
    const keys = [...legend.querySelectorAll("[data-colour]")];
    const named = Object.fromEntries(keys.map((key) => [key.dataset.colour, getComputedStyle(key).color]));
    const page = getComputedStyle(element);
    return { ...named, muted: getComputedStyle(legend).color, text: page.color, background: page.backgroundColor, line: page.borderTopColor };
  }

  // Only once there are bars: until then, and when they do not come, the server's drawing stays.
  function begin(payload) {
    element.replaceChildren();
    chart = LightweightCharts.createChart(element, {
      autoSize: true,
      layout: { attributionLogo: false },
      crosshair: { mode: LightweightCharts.CrosshairMode.Normal },
      localization: { locale: "en-US", timeFormatter: moment },
      timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 3, tickMarkFormatter: tick },
      handleScroll: { vertTouchDrag: false }, // a finger that moves up or down moves the page
    });
    candles = chart.addSeries(LightweightCharts.CandlestickSeries, {
      priceFormat: { type: "price", precision: decimals, minMove: 10 ** -decimals },
      autoscaleInfoProvider: withLevels,
    });
    candles.attachPrimitive({ paneViews: () => [{ zOrder: () => "bottom", renderer: () => ({ draw: shade }) }] });
    markers = LightweightCharts.createSeriesMarkers(candles, []);
    candles.applyOptions({ priceLineVisible: !payload.lines });
    for (const line of payload.lines ?? []) addLevel(line);
    for (const indicator of payload.series ?? []) addIndicator(indicator);
    volume = chart.addSeries(LightweightCharts.HistogramSeries, {
      priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false,
    }, chart.panes().length);
    chart.panes().forEach((pane, index, all) => pane.setStretchFactor(index === 0 ? 5 : index < all.length - 1 ? 2 : 1));
    chart.subscribeCrosshairMove((cursor) => read(cursor.time ?? newest));
  }

  function addLevel({ title, colour, price: level }) {
    const line = candles.createPriceLine({ price: level, title, lineWidth: 1, lineStyle: DASHES[title], axisLabelVisible: true });
    drawings.push((payload) => {
      const now = payload?.lines.find((line) => line.title === title);
      line.applyOptions({ color: colours[colour], ...(now && { price: now.price }) });
    });
  }

  // The levels are what is decided on: the price scale holds them, whichever bars are in view.
  function withLevels(ofBars) {
    const fromBars = ofBars();
    if (!levels.length) return fromBars;
    const { minValue, maxValue } = fromBars?.priceRange ?? { minValue: Infinity, maxValue: -Infinity };
    return { ...fromBars, priceRange: { minValue: Math.min(minValue, ...levels), maxValue: Math.max(maxValue, ...levels) } };
  }

  function addIndicator({ title, colour, histogram, pane, levels }) {
    const quietly = { priceLineVisible: false, lastValueVisible: false };
    const series = histogram
      ? chart.addSeries(LightweightCharts.HistogramSeries, quietly, pane)
      : chart.addSeries(LightweightCharts.LineSeries, { ...quietly, lineWidth: 1, crosshairMarkerVisible: false }, pane);
    if (pane === 0) series.applyOptions({ autoscaleInfoProvider: () => null }); // the prices decide what is seen
    const marks = levels.map((level) => series.createPriceLine({ price: level, lineWidth: 1, lineStyle: 2, axisLabelVisible: false, title: "" }));
    drawings.push((payload) => {
      series.applyOptions({ color: colours[colour] });
      for (const mark of marks) mark.applyOptions({ color: colours.muted });
      const points = payload?.series.find((indicator) => indicator.title === title)?.points;
      if (points) series.setData(points);
    });
  }

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
      const x = spoke === undefined ? null : scale.timeToCoordinate(spoke);
      if (x !== null) {
        context.fillStyle = colours.spoke;
        context.fillRect(x - half, 0, 2 * half, mediaSize.height);
      }
      for (const { times, reason, name } of gaps.values()) {
        const [left, right] = [scale.timeToCoordinate(times[0]), scale.timeToCoordinate(times.at(-1))];
        if (left === null || right === null) continue;
        context.fillStyle = colours[reason];
        context.fillRect(left - half, 0, right - left + 2 * half, mediaSize.height);
        context.fillStyle = colours.muted;
        context.font = "11px system-ui, sans-serif";
        if (context.measureText(name).width < right - left + half) context.fillText(name, left, 14);
      }
    });
  }

  function draw(payload) {
    colours = palette();
    for (const drawing of drawings) drawing(payload);
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
    volume.setData(shown.map((bar) => (bar.volume === null ? { time: bar.time } : {
      time: bar.time, value: bar.volume, color: bar.close >= bar.open ? colours.upPale : colours.downPale,
    })));
    const suspects = shown.filter((bar) => bar.suspect).map((bar) => ({
      time: bar.time, position: "aboveBar", shape: "arrowDown", color: colours.suspect, text: "suspect",
    }));
    const signals = [...marked.values()].filter((marker) => bars.has(marker.time)).map(mark);
    markers.setMarkers([...suspects, ...signals].sort(byTime));
    element.dataset.drawn = bars.size;
    read(newest);
  }

  function mark({ kind, time, text }) {
    if (kind === "buy") return { time, position: "belowBar", shape: "arrowUp", color: colours.up, text };
    if (kind === "sell") return { time, position: "aboveBar", shape: "arrowDown", color: colours.down, text };
    return { time, position: "aboveBar", shape: "circle", color: colours.text, text };
  }

  // Where the page is about one bar, that one and what came after it; else the newest.
  function look() {
    const index = [...new Set([...bars.keys(), ...missing.keys()])].sort((a, b) => (a < b ? -1 : 1)).indexOf(spoke);
    if (spoke !== undefined && index >= 0) {
      chart.timeScale().setVisibleLogicalRange({ from: Math.max(index - BEFORE, 0), to: Math.min(index + BEFORE, bars.size + missing.size + 2) });
    }
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
      const shares = bar.volume === null ? "not known" : bar.volume.toLocaleString("en-US", { maximumFractionDigits: 8 });
      reading.textContent = `${moment(time)}: ${prices}, volume ${shares} (${notes})`;
    } else if (gap) {
      reading.textContent = `${moment(time)}: gap. ${gap.says}`;
    }
  }

  async function load(address, more = {}) {
    if (loading) return;
    loading = true;
    try {
      const answer = await fetch(address, { headers: { Accept: "application/json", ...more } });
      if (!answer.ok || answer.redirected) throw new Error(`status ${answer.status}`);
      const payload = await answer.json();
      performance.mark("bars-arrived");
      if (notes) {
        notes.textContent = payload.says;
        notes.hidden = !payload.says;
      }
      if (!payload.bars.length) {
        reading.textContent = "";
        return;
      }
      spoke = payload.spoke;
      levels = (payload.lines ?? []).map((line) => line.price);
      for (const bar of payload.bars) bars.set(bar.time, bar);
      for (const marker of payload.markers) marked.set(marker.id, marker);
      for (const gap of payload.gaps) {
        gaps.set(gap.times[0], gap);
        for (const time of gap.times) missing.set(time, gap);
      }
      if (!chart) begin(payload);
      draw(payload);
      return payload;
    } catch {
      reading.textContent = "The bars could not be loaded. They are asked for again within a minute; reload the page to try at once.";
    } finally {
      loading = false;
    }
  }

  async function loadEarlier(range) {
    if (!range || range.from > LOAD_AHEAD || earlier === null || loading) return;
    const payload = await load(new URL(earlier, new URL(element.dataset.bars, location.href)));
    if (payload) earlier = payload.earlier;
  }

  async function start() {
    const payload = await load(element.dataset.bars);
    if (!payload) return;
    earlier = payload.earlier;
    look();
    chart.timeScale().subscribeVisibleLogicalRangeChange(loadEarlier);
    // The library paints with the next frame; one later it is on the screen.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      element.dataset.milliseconds = Math.round(performance.measure("bars-drawn", "bars-arrived").duration);
    }));
  }

  const redraw = () => chart && draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  setInterval(() => document.hidden || (chart ? load(element.dataset.bars, { "Jax-Beat": "1" }) : start()), REFRESH);
  start();
}
