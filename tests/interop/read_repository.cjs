// Read targets of a plugin repository with tuf-js: node read_repository.cjs METADATA_DIR URL TARGET...
const { Updater } = require("tuf-js");

async function main([metadataDir, url, ...targets]) {
  const updater = new Updater({
    metadataDir,
    metadataBaseUrl: `${url}/metadata`,
    targetDir: metadataDir,
    targetBaseUrl: `${url}/targets`,
  });
  await updater.refresh();
  for (const path of targets) {
    const found = await updater.getTargetInfo(path);
    console.log(found ? await updater.downloadTarget(found, `${metadataDir}/${encodeURIComponent(path)}`) : "absent");
  }
}

main(process.argv.slice(2)).catch((error) => {
  console.error(`${error.name}: ${error.message}`);
  process.exit(1);
});
