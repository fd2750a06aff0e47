"use strict";
// Each form sends its request to this API and shows the answer as it came.
function address(form) {
  const query = new URLSearchParams();
  let path = form.dataset.path;
  for (const input of form.querySelectorAll("input[data-in]")) {
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, encodeURIComponent(input.value));
    else if (input.value !== "") query.append(input.name, input.value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

async function send(form) {
  const body = form.elements.namedItem("body");
  const options = { method: form.dataset.method };
  if (body) Object.assign(options, { body: body.value, headers: { "Content-Type": "application/json" } });
  const answer = await fetch(address(form), options);
  const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
  return `${answer.status} ${answer.statusText}\n${headers}\n\n${pretty(await answer.text())}`;
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const output = form.querySelector(".answer");
    output.hidden = false;
    output.textContent = "…";
    output.textContent = await send(form).catch((error) => String(error));
  });
}
