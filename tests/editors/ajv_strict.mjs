// Compile the schema with ajv in strict mode, then print which of the documents on stdin (JSON lines) it accepts.
//
// usage: node ajv_strict.mjs SCHEMA
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import Ajv2020 from "ajv/dist/2020.js";

const EDITOR_WORDS = [
  "enumDescriptions", "enumDetails", "defaultSnippets", "errorMessage", "patternErrorMessage", "markdownDescription",
  "deprecationMessage",
];
const ajv = new Ajv2020({ strict: true, strictTypes: true, strictTuples: true, strictRequired: true });
ajv.addVocabulary(EDITOR_WORDS);
ajv.addFormat("uri", true); // every format of the schema is paired with a pattern
const validate = ajv.compile(JSON.parse(readFileSync(process.argv[2], "utf-8")));
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(validate(JSON.parse(line))) + "\n");
}
