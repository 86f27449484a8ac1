/* Rows of a form that can be added: a button with data-add-row copies the template row of its table. */
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-add-row]");
  if (!button) return;
  event.preventDefault();
  const prefix = button.dataset.addRow;
  const total = document.getElementById(`id_${prefix}-TOTAL_FORMS`);
  const template = document.getElementById(`${prefix}-empty`);
  const row = template.content.cloneNode(true);
  row.querySelectorAll("[name], [id], [for]").forEach((element) => {
    for (const name of ["name", "id", "for"]) {
      const value = element.getAttribute(name);
      if (value) element.setAttribute(name, value.replace("__prefix__", total.value));
    }
  });
  document.querySelector(`#${prefix}-rows`).appendChild(row);
  total.value = Number(total.value) + 1;
});

/* A form with a preview asks for a fresh one a moment after a field has changed. */
document.addEventListener("DOMContentLoaded", () => {
  const preview = document.querySelector("[data-preview]");
  const form = preview && preview.closest("form");
  if (!form) return;
  let timer;
  const refresh = async () => {
    const answer = await fetch(preview.dataset.preview, { method: "POST", body: new FormData(form) });
    if (answer.ok) preview.innerHTML = await answer.text();
  };
  for (const kind of ["input", "change"]) {
    form.addEventListener(kind, () => {
      clearTimeout(timer);
      timer = setTimeout(refresh, 300);
    });
  }
});

/* On a phone the theme calls the first column of a list "Select record", though most lists have no boxes to tick. */
document.addEventListener("DOMContentLoaded", () => {
  const header = document.querySelector("#result_list thead th");
  for (const cell of document.querySelectorAll("#result_list .data-row > td:first-child:not(.action-checkbox)")) {
    cell.dataset.label = header.innerText.trim() || header.textContent.trim();
  }
});
