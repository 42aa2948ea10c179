// Ask one version of VS Code's JSON language service; requests and answers are JSON lines on stdin and stdout.
//
// usage: node json_service.mjs SERVICE SCHEMA|SETTINGS
// request: {"ask": "diagnostics" | "completion" | "hover", "text": "...", "line": 0, "character": 0}
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { TextDocument } from "vscode-languageserver-textdocument";

const [service, schemaFile] = process.argv.slice(2);
const { getLanguageService } = await import(service);
const refused = (address) => Promise.reject(new Error(`no network in this test: ${address}`));
const languageService = getLanguageService({ schemaRequestService: refused });
const given = JSON.parse(readFileSync(schemaFile, "utf-8"));
// As Visual Studio Code hands the setting json.schemas on to the service; a schema by itself is for every file.
const settings = given["json.schemas"] ?? [{ url: given.$id, fileMatch: ["*"], schema: given }];
const schemas = settings.map(({ url, fileMatch, schema }) => ({ uri: url, fileMatch, schema }));
languageService.configure({ validate: true, schemas });

async function answer({ ask, text, line, character }) {
  const document = TextDocument.create("file:///plugin/plugin.json", "json", 1, text);
  const parsed = languageService.parseJSONDocument(document);
  if (ask === "diagnostics") return languageService.doValidation(document, parsed);
  if (ask === "hover") return languageService.doHover(document, { line, character }, parsed);
  return (await languageService.doComplete(document, { line, character }, parsed)).items;
}

for await (const request of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(request))) + "\n");
}
