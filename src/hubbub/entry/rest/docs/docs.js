// Shows /api/v1/openapi.json: each call with what it takes and answers, each type with its fields.

const METHODS = ["get", "post", "patch", "put", "delete"];

function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.flat().filter((child) => child !== null));
  return element;
}

// Text in which `words` are code.
function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

// A type in a few words, with links to the types it names.
function typed(schema) {
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return [h("a", { href: `#type-${name}` }, name)];
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    return choices.flatMap((choice, index) => (index ? [" or ", ...typed(choice)] : typed(choice)));
  }
  if (schema.enum) return [schema.enum.map((value) => JSON.stringify(value)).join(" | ")];
  if ("const" in schema) return [JSON.stringify(schema.const)];
  if (schema.type === "array") return ["list of ", ...typed(schema.items ?? {})];
  if (schema.type === "object" && schema.additionalProperties) {
    return ["map of ", ...typed(schema.additionalProperties === true ? {} : schema.additionalProperties)];
  }
  return [schema.format ? `${schema.type} (${schema.format})` : schema.type ?? "anything"];
}

function bounds(schema) {
  const words = [
    ["minimum", "at least"], ["maximum", "at most"], ["minLength", "characters, at least"],
    ["maxLength", "characters, at most"], ["minItems", "items, at least"],
    ["maxItems", "items, at most"], ["pattern", "like"],
  ];
  const said = words.filter(([name]) => name in schema).map(([name, word]) => `${word} ${schema[name]}`);
  const { default: usual } = schema;
  if (usual !== undefined && usual !== null) said.push(`else ${JSON.stringify(usual)}`);
  return said.join("; ");
}

function fieldRow(name, schema, required, description) {
  return h("tr", {},
    h("td", {}, h("code", {}, name), required ? "" : h("span", { class: "optional" }, " optional")),
    h("td", {}, ...typed(schema)),
    h("td", {}, [description, bounds(schema)].filter(Boolean).join(": ")));
}

function fields(schema) {
  const required = new Set(schema.required ?? []);
  return h("table", {}, Object.entries(schema.properties ?? {}).map(
    ([name, field]) => fieldRow(name, field, required.has(name), field.description)));
}

function bodyOf(content) {
  return Object.values(content ?? {}).flatMap(({ schema }) => typed(schema));
}

function call(path, method, operation) {
  const parts = [];
  if (operation.parameters) {
    parts.push(h("h4", {}, "Parameters"), h("table", {}, operation.parameters.map((each) =>
      fieldRow(`${each.name} (${each.in})`, each.schema, each.required, each.description))));
  }
  if (operation.requestBody) {
    parts.push(h("h4", {}, "Body"), h("p", {}, ...bodyOf(operation.requestBody.content)));
  }
  parts.push(h("h4", {}, "Answers"), h("table", {}, Object.entries(operation.responses).map(
    ([status, answer]) => h("tr", {}, h("td", {}, h("code", {}, status)),
      h("td", {}, ...bodyOf(answer.content)), h("td", {}, answer.description)))));
  const open = operation.security?.length === 0;
  return h("details", { id: operation.operationId },
    h("summary", {},
      h("b", { class: `method ${method}` }, method.toUpperCase()), h("code", {}, path),
      h("span", {}, operation.summary + (open ? " (without a token)" : ""))),
    h("div", { class: "inside" }, ...parts));
}

function type(name, schema) {
  return h("details", { id: `type-${name}` },
    h("summary", {}, h("code", {}, name), h("span", {}, ...prose(schema.description ?? ""))),
    h("div", { class: "inside" }, schema.properties ? fields(schema) : h("p", {}, ...typed(schema))));
}

function calls(document_, tag) {
  return Object.entries(document_.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]?.tags.includes(tag))
      .map((method) => [path, method, item[method]]));
}

function show(document_) {
  const nav = document.querySelector("nav");
  const main = document.querySelector("main");
  document.querySelector("#intro").replaceChildren(...prose(document_.info.description));
  for (const { name, description } of document_.tags) {
    const found = calls(document_, name);
    nav.append(h("h3", {}, description),
      ...found.map(([, , each]) => h("a", { href: `#${each.operationId}` }, each.operationId)));
    main.append(h("h2", {}, description), ...found.map((each) => call(...each)));
  }
  const types = Object.entries(document_.components.schemas);
  nav.append(h("h3", {}, "Types"), ...types.map(([name]) => h("a", { href: `#type-${name}` }, name)));
  main.append(h("h2", {}, "Types"), ...types.map(([name, schema]) => type(name, schema)));
}

// A link opens what it leads to.
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.scrollIntoView({ block: "start" });
  }
}

try {
  const response = await fetch("/api/v1/openapi.json");
  if (!response.ok) throw new Error(`the server answered ${response.status}`);
  show(await response.json());
  reveal();
  addEventListener("hashchange", reveal);
} catch (error) {
  document.querySelector("#intro").textContent =
    `The description of the API could not be loaded (${error.message}); load this page again.`;
}
