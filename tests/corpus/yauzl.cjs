// Read every member of an archive with yauzl, into nothing; exit 0 when all went well.
"use strict";
const path = require("node:path");
const yauzl = require(path.join(process.env.CORPUS_READERS, "node_modules", "yauzl"));
const fail = () => process.exit(1);
yauzl.open(process.argv[2], { lazyEntries: true }, (error, archive) => {
  if (error) return fail();
  archive.on("error", fail);
  archive.on("end", () => process.exit(0));
  archive.on("entry", (entry) => {
    if (entry.fileName.endsWith("/")) return archive.readEntry();
    archive.openReadStream(entry, (problem, stream) => {
      if (problem) return fail();
      stream.on("error", fail);
      stream.on("end", () => archive.readEntry());
      stream.resume();
    });
  });
  archive.readEntry();
});
