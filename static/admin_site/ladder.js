/* A ladder's rungs show the columns that its choices use. */
document.addEventListener("DOMContentLoaded", () => {
  const decay = document.getElementById("id_decay");
  const line = document.getElementById("id_line");
  if (!decay || !line) return;
  const refresh = () => {
    const used = {
      threshold: line.value === "threshold" || decay.value === "reset",
      deduction: decay.value === "deduction" && line.value === "threshold",
      validity_months: line.value === "threshold",
      places: line.value === "top",
      share_permille: line.value === "share",
    };
    for (const [name, shown] of Object.entries(used)) {
      document.querySelectorAll(`#rungs-group .column-${name}, #rungs-group .field-${name}`).forEach((cell) => {
        cell.style.display = shown ? "" : "none";
      });
    }
  };
  for (const choice of [decay, line]) choice.addEventListener("change", refresh);
  document.addEventListener("formset:added", refresh);
  refresh();
});
