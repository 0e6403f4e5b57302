/// The files that pages name. They are part of the program, so that it stays one file.
enum BoardAssets {
  static let icon = """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0b7285"/>\
    <path d="M3 11l3-4 3 2 4-6" fill="none" stroke="#fff" stroke-width="1.6"/></svg>
    """

  /// Keeps ages moving, exchanges panels of live pages, offers to copy sources, and leads `/` to the first field. No
  /// page needs it.
  static let script = """
    "use strict";
    (() => {
      const ages = () => {
        for (const time of document.querySelectorAll("time.age")) {
          const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
          const text = seconds < 120 ? seconds + " s" : seconds < 7200 ? Math.round(seconds / 60) + " min"
            : Math.round(seconds / 3600) + " h";
          if (!time.title) time.title = time.textContent;
          time.textContent = "as of " + text + " ago";
        }
      };
      const copies = (root) => {
        if (!navigator.clipboard) return;
        for (const code of root.querySelectorAll(".source pre")) {
          const button = document.createElement("button");
          button.type = "button";
          button.textContent = "Copy";
          button.addEventListener("click", async () => {
            await navigator.clipboard.writeText(code.textContent);
            button.textContent = "Copied";
          });
          code.after(button);
        }
      };
      const exchange = (id, html) => {
        const old = document.getElementById("panel-" + id);
        // What a person reads, has opened or is about to press stays as it is.
        if (!old || old.contains(document.activeElement) || old.querySelector("details[open]")) return;
        const selection = document.getSelection();
        if (selection && !selection.isCollapsed && old.contains(selection.anchorNode)) return;
        const part = new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
        if (!part) return;
        const scrolled = [...old.querySelectorAll("[role=region]")].map((each) => each.scrollLeft);
        old.replaceWith(part);
        [...part.querySelectorAll("[role=region]")].forEach((each, i) => { each.scrollLeft = scrolled[i] || 0; });
        copies(part);
        ages();
      };
      ages();
      copies(document);
      setInterval(ages, 1000);
      const live = document.body.dataset.live;
      if (live && window.EventSource) {
        const source = new EventSource(live);
        source.addEventListener("panel", (event) => {
          const panel = JSON.parse(event.data);
          exchange(panel.id, panel.html);
        });
        source.addEventListener("row", (event) => {
          const row = JSON.parse(event.data);
          const body = document.querySelector("#panel-" + row.id + " tbody");
          const part = new DOMParser().parseFromString("<table>" + row.html + "</table>", "text/html");
          body.prepend(...part.querySelectorAll("tr"));
          while (body.rows.length > 200) body.lastElementChild.remove();
        });
        source.addEventListener("note", (event) => {
          const note = JSON.parse(event.data);
          const time = document.querySelector("#panel-" + note.id + " > header .age");
          if (time) { time.classList.remove("age"); time.classList.add("note"); time.textContent = note.text; }
        });
        addEventListener("pagehide", () => source.close());
      }
      addEventListener("keydown", (event) => {
        if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
        if (/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) return;
        const field = document.querySelector("form.filter input");
        if (field) { event.preventDefault(); field.focus(); }
      });
    })();
    """

  static let style = """
    :root {
      color-scheme: light dark;
      --back: #f6f7f9; --card: #fff; --text: #1b1f24; --faint: #5b6570; --line: #d8dee4; --accent: #0b7285;
      --good: #2b7a3d; --warning: #8a5a00; --bad: #b3261e; --warning-back: #fff3d6; --bad-back: #fde7e5;
      --s1: #0b7285; --s2: #c2560c; --s3: #6741d9; --s4: #2b8a3e; --s5: #c2255c; --s6: #5b6570;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --back: #101418; --card: #181d23; --text: #e4e9ee; --faint: #9aa5b1; --line: #313943; --accent: #5cc6d6;
        --good: #6fcf7f; --warning: #f0b849; --bad: #ff8a80; --warning-back: #3a2e12; --bad-back: #3f1d1b;
        --s1: #5cc6d6; --s2: #ff9a57; --s3: #b197fc; --s4: #69db7c; --s5: #faa2c1; --s6: #9aa5b1;
      }
    }
    * { box-sizing: border-box; }
    html { font: 15px/1.45 system-ui, "DejaVu Sans", sans-serif; background: var(--back); color: var(--text); }
    body { margin: 0; }
    a { color: var(--accent); text-underline-offset: 2px; }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
    main:focus { outline: none; }
    .skip { position: absolute; left: -999px; }
    .skip:focus { left: 8px; top: 8px; background: var(--card); padding: 6px 10px; z-index: 2; }
    .top { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 20px; padding: 8px 20px;
      background: var(--card); border-bottom: 1px solid var(--line); }
    .brand { font-weight: 700; font-size: 1.15rem; text-decoration: none; }
    nav.main ul { display: flex; flex-wrap: wrap; gap: 2px; list-style: none; margin: 0; padding: 0; }
    nav.main a { display: block; padding: 4px 9px; border-radius: 5px; color: var(--text); text-decoration: none; }
    nav.main a:hover { background: var(--back); }
    nav.main a[aria-current] { background: var(--accent); color: var(--card); }
    main { padding: 12px 20px 40px; max-width: 1500px; margin: 0 auto; }
    h1 { font-size: 1.45rem; margin: 8px 0 2px; overflow-wrap: anywhere; }
    h2 { font-size: 1rem; margin: 0; }
    .about { margin: 0 0 14px; color: var(--faint); }
    .trail a + a::before { content: " / "; }
    .panels { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
    .panel { background: var(--card); border: 1px solid var(--line); border-radius: 8px; min-width: 0; }
    .panel > header { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 12px;
      padding: 9px 14px; border-bottom: 1px solid var(--line); align-items: baseline; }
    .panel .body { padding: 10px 14px; }
    .panel[data-state=away] { background: repeating-linear-gradient(135deg, var(--card) 0 12px, var(--back) 12px 24px);
      color: var(--faint); }
    .panel[data-state=away] .reason strong { color: var(--bad); }
    .age, .note, .nothing, .forms { color: var(--faint); font-size: .87rem; margin: 6px 0 0; }
    .age { margin: 0; }
    .source { border-top: 1px solid var(--line); padding: 5px 14px; font-size: .85rem; color: var(--faint); }
    .source summary { cursor: pointer; width: max-content; }
    pre { overflow-x: auto; margin: 6px 0; padding: 8px; background: var(--back); border-radius: 5px; }
    code, pre, .mono { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .87rem; }
    .table, .figure { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
    th, td { text-align: start; padding: 4px 12px 4px 0; vertical-align: top; border-bottom: 1px solid var(--line); }
    tr:last-child > td { border-bottom: 0; }
    th { font-size: .82rem; font-weight: 600; color: var(--faint); white-space: nowrap; }
    td { max-width: 60ch; overflow-wrap: break-word; }
    .number { text-align: end; white-space: nowrap; }
    tr.faint, .words.faint { color: var(--faint); }
    tr.bad td:first-child, tr.warning td:first-child { border-inline-start: 4px solid; padding-inline-start: 8px; }
    tr.bad td:first-child { border-inline-start-color: var(--bad); }
    tr.warning td:first-child { border-inline-start-color: var(--warning); }
    .words { margin: 0 0 6px; padding: 6px 10px; border-radius: 5px; border-inline-start: 4px solid var(--line); }
    .words.bad { border-color: var(--bad); background: var(--bad-back); }
    .words.warning { border-color: var(--warning); background: var(--warning-back); }
    .words.good { border-color: var(--good); }
    .facts { display: flex; flex-wrap: wrap; gap: 10px 28px; margin: 0; }
    .fact dt { color: var(--faint); font-size: .82rem; }
    .fact dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
    .fact.bad dd { color: var(--bad); } .fact.warning dd { color: var(--warning); }
    .fact.good dd { color: var(--good); }
    form.filter, form.act { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: end; margin: 0 0 14px; }
    label { display: grid; gap: 2px; font-size: .82rem; color: var(--faint); max-width: 100%; }
    input, select, button, textarea { font: inherit; font-size: .95rem; color: var(--text); background: var(--card);
      border: 1px solid var(--faint); border-radius: 5px; padding: 4px 8px; max-width: 100%; }
    button { cursor: pointer; background: var(--accent); border-color: var(--accent); color: var(--card); }
    .source button { font-size: .8rem; padding: 1px 8px; }
    .pages { display: flex; gap: 16px; padding-top: 8px; }
    .problem { font-size: 1.1rem; }
    svg.plot { max-width: 1040px; }
    .choices { margin: 0 0 8px; font-size: .9rem; } .choices a[aria-current] { font-weight: 700; color: var(--text); }
    .passages { margin: 0; padding-inline-start: 24px; } .passages p { margin: 2px 0 6px; max-width: 90ch; }
    .passages h3 { font-size: .95rem; margin: 8px 0 0; }
    svg { display: block; width: 100%; min-width: 620px; height: auto; }
    svg text { fill: var(--faint); font-size: 12px; }
    .end { text-anchor: end; } .middle { text-anchor: middle; }
    .grid { stroke: var(--line); stroke-width: 1; }
    .line { fill: none; stroke-width: 2; stroke-linejoin: round; } .thin { stroke-width: 1; }
    .dashed { stroke-dasharray: 5 4; }
    .band { stroke: none; opacity: .22; } .band.outer { opacity: .12; }
    .line.s1 { stroke: var(--s1); } .line.s2 { stroke: var(--s2); } .line.s3 { stroke: var(--s3); }
    .line.s4 { stroke: var(--s4); } .line.s5 { stroke: var(--s5); } .line.s6 { stroke: var(--s6); }
    .band.s1, .dot.s1, .bar.s1 { fill: var(--s1); } .band.s2, .dot.s2, .bar.s2 { fill: var(--s2); }
    .band.s3, .dot.s3, .bar.s3 { fill: var(--s3); } .band.s4, .dot.s4, .bar.s4 { fill: var(--s4); }
    .band.s5, .dot.s5, .bar.s5 { fill: var(--s5); } .band.s6, .dot.s6, .bar.s6 { fill: var(--s6); }
    .up { fill: var(--s1); stroke: var(--s1); } .down { fill: var(--s2); stroke: var(--s2); }
    .candle.flagged { fill: none; } .shade { fill: var(--faint); opacity: .16; } .shade.bad { fill: var(--bad); }
    .legend { display: flex; flex-wrap: wrap; gap: 4px 16px; list-style: none; margin: 6px 0 0; padding: 0; }
    .legend li::before { content: ""; display: inline-block; width: 14px; height: 4px; margin-inline-end: 6px;
      vertical-align: middle; background: currentColor; }
    .legend .s1::before { color: var(--s1); } .legend .s2::before { color: var(--s2); }
    .legend .s3::before { color: var(--s3); } .legend .s4::before { color: var(--s4); }
    .legend .s5::before { color: var(--s5); } .legend .s6::before { color: var(--s6); }
    svg.map { min-width: 1080px; }
    .box rect { fill: var(--card); stroke: var(--line); stroke-width: 1.5; }
    .box .name { fill: var(--text); font-weight: 600; }
    .box.topic rect { fill: var(--back); } .box.topic .name { font-weight: 400; }
    .box.good rect { stroke: var(--good); } .box.warning rect { stroke: var(--warning); stroke-width: 2.5; }
    .box.bad rect { stroke: var(--bad); stroke-width: 3; fill: var(--bad-back); } .box.faint { opacity: .72; }
    .box.warning rect { fill: var(--warning-back); }
    a:focus-visible .box rect { stroke: var(--accent); stroke-width: 4; }
    .edge { fill: none; stroke: var(--line); stroke-width: 1.6; }
    .edge.warning { stroke: var(--warning); stroke-width: 2.5; } .edge.bad { stroke: var(--bad); stroke-width: 3; }
    .calendar td { padding: 2px; text-align: center; min-width: 44px; font-size: .8rem; border: 1px solid var(--card); }
    .calendar th { padding: 2px 6px; } .calendar .full { background: color-mix(in srgb, var(--good) 22%, var(--card)); }
    .calendar .late { background: color-mix(in srgb, var(--warning) 34%, var(--card)); }
    .calendar .missing { background: color-mix(in srgb, var(--bad) 40%, var(--card)); }
    .calendar .closed { background: var(--back); color: var(--faint); }
    @media (max-width: 600px) { main, .top { padding-inline: 10px; } .panel .body { padding-inline: 10px; } }
    @media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
    """
}
