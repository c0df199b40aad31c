// Fills the page of a savings account: the page comes empty, its data apart.
"use strict";
(async () => {
  const list = document.getElementById("fiche");
  const answer = await fetch(location.pathname + "/fiche.json");
  if (answer.redirected) {
    location.assign(answer.url);
    return;
  }
  if (!answer.ok) {
    const sorry = document.createElement("p");
    sorry.id = "indisponible";
    sorry.textContent = "Service indisponible.";
    list.replaceWith(sorry);
    return;
  }
  for (const { name, value } of await answer.json()) {
    list.append(
      Object.assign(document.createElement("dt"), { textContent: name }),
      Object.assign(document.createElement("dd"), { textContent: value }),
    );
  }
  list.setAttribute("aria-busy", "false");
})();
