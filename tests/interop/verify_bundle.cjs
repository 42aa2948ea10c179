// Verify a bundle with npm @sigstore/verify, as any program of that world would.
//
//     node verify_bundle.cjs --root TRUSTED_ROOT BUNDLE [IDENTITY ISSUER]
//     node verify_bundle.cjs --key PUBLIC_PEM BUNDLE
//
// Exit code 0 and the payload on standard output, or 1 and the reason on standard error.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { toSignedEntity, toTrustMaterial, Verifier } = require('@sigstore/verify');

const [kind, material, file, identity, issuer] = process.argv.slice(2);
const read = (name) => fs.readFileSync(name);
const always = () => true;

function verifier(bundle) {
  if (kind === '--root') return new Verifier(toTrustMaterial(TrustedRoot.fromJSON(JSON.parse(read(material)))));
  const empty = { tlogs: [], ctlogs: [], certificateAuthorities: [], timestampAuthorities: [] };
  const key = crypto.createPublicKey(read(material));
  const hint = crypto.createHash('sha256').update(key.export({ type: 'spki', format: 'der' })).digest('base64');
  const find = (found) => {
    if (found !== hint) throw new Error(`the bundle names the key ${found}`);
    return { publicKey: key, validFor: always };
  };
  const thresholds = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 };
  return new Verifier(toTrustMaterial(TrustedRoot.fromJSON(empty), find), thresholds);
}

try {
  const bundle = bundleFromJSON(JSON.parse(read(file)));
  const policy = identity ? { subjectAlternativeName: identity, extensions: { issuer } } : undefined;
  verifier(bundle).verify(toSignedEntity(bundle), policy);
  process.stdout.write(bundle.content.dsseEnvelope.payload);
} catch (error) {
  process.stderr.write(`${error.code || error.name}: ${error.message}\n`);
  process.exit(1);
}
