// Jobs saved in this browser. Names and addresses stay in localStorage; saving sends nothing, opening asks for the address.
const KEY = "mlpaygrade.saved";
const MOST = 50;
const PAGE = "?page=estimate&";

function read() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) || "[]");
    return Array.isArray(found) ? found.filter(usable).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

function usable(one) {
  return one && typeof one.name === "string" && typeof one.address === "string" && one.address.startsWith(PAGE);
}

function write(jobs) {
  try {
    localStorage.setItem(KEY, JSON.stringify(jobs));
    return true;
  } catch {
    return false;
  }
}

function made(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  element.textContent = text;
  Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
  return element;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".saved");
  const kept = root.querySelector("input");
  if (kept) {
    // Drawn before: only the name that is suggested changes, and only where the reader has typed none.
    if (kept.value === kept.dataset.suggested) kept.value = data.suggested;
    kept.dataset.suggested = data.suggested;
    return;
  }
  const form = made("form", "");
  const label = made("label", "Name");
  const field = made("input", "", { type: "text", maxlength: "80", autocomplete: "off" });
  field.value = data.suggested;
  field.dataset.suggested = data.suggested;
  label.append(field);
  form.append(label, made("button", "Save this job", { type: "submit" }));
  const said = made("p", "", { role: "status", class: "said" });
  const list = made("ul", "", { "aria-label": "Saved jobs" });
  const note = made(
    "p",
    "The list is kept in this browser, not by us; whoever uses this browser can see it. Opening a job asks for its page, as a link does.",
    { class: "quiet" },
  );

  function draw() {
    list.replaceChildren(
      ...read().map((job) => {
        const item = made("li", "");
        const remove = made("button", "Remove", { type: "button", "aria-label": `Remove ${job.name}` });
        remove.onclick = () => {
          write(read().filter((one) => one.name !== job.name));
          said.textContent = `Removed ${job.name}.`;
          draw();
        };
        item.append(made("a", job.name, { href: job.address, target: "_self" }), remove);
        return item;
      }),
    );
  }

  form.onsubmit = (event) => {
    event.preventDefault();
    const name = field.value.trim() || field.dataset.suggested;
    const others = read().filter((one) => one.name !== name);
    if (others.length >= MOST) {
      said.textContent = `${MOST} jobs are saved, and no more fit. Remove one first.`;
    } else if (write([{ name, address: location.search }, ...others])) {
      said.textContent = `Saved as ${name}.`;
    } else {
      said.textContent = "This browser does not let pages keep anything. Copy the address of this page instead.";
    }
    draw();
  };
  root.append(form, said, list, note);
  draw();
}
