"use strict";
// Draws the charts in place of their notes and filters tables. Everything the charts show is in the tables too.
(() => {
  const specs = JSON.parse(document.getElementById("chart-specs").textContent);
  const PANEL = 246; // width of one panel of small multiples with its axis and gap, in pixels

  const fitted = (spec, width) => {
    if (!spec.facet) return spec;
    const columns = Math.max(1, Math.floor(width / PANEL));
    const panel = Math.floor((width - 36 - (columns - 1) * 44) / columns); // 36 for the labels of the axis, 44 between
    return { ...spec, columns, spec: { ...spec.spec, width: panel } };
  };

  const draw = async (figure) => {
    const spec = specs[figure.dataset.chart];
    const place = figure.querySelector(".plot");
    if (!spec || !window.vegaEmbed) return;
    // The interpreter (ast) evaluates expressions without eval, which the page's security policy forbids.
    await vegaEmbed(place, fitted(spec, place.clientWidth), { actions: false, ast: true, renderer: "svg", defaultStyle: false });
    const svg = place.querySelector("svg");
    if (svg) svg.setAttribute("aria-hidden", "true"); // the figure is named by its caption; its table is read instead
  };

  const figures = [...document.querySelectorAll("figure[data-chart]")];
  const drawAll = () => Promise.all(figures.map(draw));
  drawAll().then(() => document.documentElement.setAttribute("data-charts", "drawn"));

  let width = window.innerWidth;
  let waiting;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return;
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(drawAll, 200);
  });

  for (const box of document.querySelectorAll("input[data-filters]")) {
    const table = document.getElementById(box.dataset.filters);
    const told = document.getElementById(box.getAttribute("aria-describedby"));
    box.closest(".search").hidden = false;
    box.addEventListener("input", () => {
      const wanted = box.value.trim().toLowerCase();
      const rows = [...table.tBodies[0].rows];
      let left = 0;
      for (const row of rows) {
        row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
        left += row.hidden ? 0 : 1;
      }
      told.textContent = wanted === "" ? "" : `${left} of ${rows.length} shown`;
    });
  }

  // What is folded away on a screen would be missing on paper.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open]):not(.long)")];
    for (const part of folded) part.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });
})();
