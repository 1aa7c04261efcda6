/// The sandbox's own style: system fonts, light and dark, one column on a phone.
let sandboxStyleSheet = """
    :root { color-scheme: light dark; --page: #f6f5f2; --card: #fff; --ink: #1d2330; --soft: #5a6172; --line: #d8d6cf;
      --accent: #6b2fb3; --on-accent: #fff; --good: #17663a; --warn: #8a4b00; --bad: #a3212b; --banner: #ffe9a8; --on-banner: #4a3500; }
    @media (prefers-color-scheme: dark) {
      :root { --page: #14161c; --card: #1e212a; --ink: #e8e9ee; --soft: #a5abba; --line: #383d4a;
        --accent: #c3a0f5; --on-accent: #22123a; --good: #7fd6a2; --warn: #f0b66a; --bad: #ff9aa0; --banner: #4a3a0c; --on-banner: #ffe9a8; } }
    * { box-sizing: border-box; }
    body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
    .banner { margin: 0; padding: .5rem 1rem; background: var(--banner); color: var(--on-banner); font-weight: 600; }
    .banner a { color: inherit; } .banner span { font-weight: 400; }
    .organization { margin: 0; padding: .75rem 1rem 0; font-weight: 600; max-width: 64rem; margin-inline: auto; }
    nav ul { list-style: none; margin: 0 auto; padding: 0 .5rem; max-width: 64rem; display: flex; flex-wrap: wrap; }
    nav a { display: block; padding: .5rem; color: var(--soft); text-decoration: none; border-bottom: 3px solid transparent; }
    nav a[aria-current] { color: var(--ink); border-color: var(--accent); font-weight: 600; }
    nav a:hover { color: var(--ink); text-decoration: underline; }
    header { border-bottom: 1px solid var(--line); background: var(--card); }
    main { max-width: 64rem; margin: 0 auto; padding: 1rem; }
    h1 { font-size: 1.5rem; margin: .5rem 0 1rem; } h2 { font-size: 1.15rem; margin: 0 0 .5rem; }
    a { color: var(--accent); }
    .card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; margin: 0 0 1rem; }
    .card > :first-child { margin-top: 0; }
    .card > :last-child { margin-bottom: 0; }
    .notice, .problem { padding: .75rem 1rem; border-radius: .5rem; border: 1px solid; background: var(--card); }
    .notice { color: var(--good); } .problem { color: var(--bad); }
    .soft { color: var(--soft); }
    .badge { display: inline-block; padding: 0 .5rem; border-radius: 1rem; border: 1px solid currentColor; font-size: .875rem; white-space: nowrap; }
    .good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
    dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 0 0 1rem; }
    dt { color: var(--soft); } dd { margin: 0; }
    .actions { display: flex; flex-wrap: wrap; gap: .5rem; margin: 1rem 0; align-items: center; } .actions form { margin: 0; }
    button, .button { font: inherit; font-weight: 600; padding: .5rem 1rem; border-radius: .375rem; border: 1px solid var(--accent);
      background: var(--accent); color: var(--on-accent); cursor: pointer; text-decoration: none; display: inline-block; }
    button.quiet, .button.quiet { background: transparent; color: var(--accent); }
    button.danger, .button.danger { background: transparent; color: var(--bad); border-color: currentColor; }
    button:disabled { opacity: .5; cursor: not-allowed; }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
    input[readonly], select { font: inherit; width: 100%; padding: .5rem; border: 1px solid var(--soft); border-radius: .375rem;
      background: var(--page); color: var(--ink); }
    input[readonly] { font-family: ui-monospace, monospace; user-select: all; }
    label.field { display: block; margin: .5rem 0; }
    .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1rem; align-items: start; padding: .5rem 0; border-top: 1px solid var(--line); }
    .pair.heads { border: 0; color: var(--soft); font-weight: 600; }
    fieldset { border: 0; margin: 0; padding: 0; min-width: 0; } legend { padding: 0; font-weight: 600; }
    .checks label { display: block; padding: .125rem 0; }
    .checks label.apart { margin-top: .5rem; color: var(--soft); }
    table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: var(--soft); padding-bottom: .25rem; }
    th, td { text-align: left; padding: .375rem .5rem; border-top: 1px solid var(--line); vertical-align: top; }
    td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
    ul.plain { list-style: none; padding: 0; margin: 0; }
    @media (max-width: 32rem) { .pair { grid-template-columns: 1fr; gap: .25rem; } .pair.heads { display: none; }
      dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; }
      /* A row becomes a block, each cell with its column's name in front. */
      thead { display: none; } table, caption, tbody, tr, tbody th, td { display: block; }
      tr { border-top: 1px solid var(--line); padding: .5rem 0; } tbody th, td { border: 0; padding: .125rem 0; }
      td.number { text-align: left; } td::before { content: attr(data-label) " "; color: var(--soft); } }

    """
