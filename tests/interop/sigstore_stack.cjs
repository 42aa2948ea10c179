// An independent Sigstore instance on loopback: Fulcio, Rekor v1 and a time-stamping authority of npm @sigstore/mock,
// and the endpoint of an identity provider as a GitHub Actions job sees it.
//
//     node sigstore_stack.cjs FOLDER
//
// writes FOLDER/trust_config.json and FOLDER/trusted_root.json, prints its URL, and ends when standard input does.
//
// @sigstore/mock speaks the wire formats of sigstore-js alone. Each handler here translates what other clients send:
// Fulcio's bearer token and base64 request, Rekor's canonical form of an entry, and time stamp requests in DER.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const mock = require('@sigstore/mock');
const pkijs = require('pkijs');

const ISSUER = 'https://token.actions.githubusercontent.com';
const GITHUB = 'https://github.com/';
const TSA_POLICY = '1.3.6.1.4.1.57264.2';
const START = new Date(Date.now() - 60_000).toISOString();
const NONCE_MASK = 0xffffffffn; // the mock takes the nonce as a number

const base64 = (bytes) => Buffer.from(bytes).toString('base64');
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const sha256 = (bytes) => crypto.createHash('sha256').update(bytes);
const keyPair = () => crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' });

// The claims of a release job; a test changes some of them: https://docs.github.com/en/actions/reference/openid-connect
function claims(audience, changes) {
  const now = Math.floor(Date.now() / 1000);
  const job = {
    repository: 'acme/plugins',
    repository_id: '1234',
    repository_owner: 'acme',
    repository_owner_id: '99',
    repository_visibility: 'public',
    ref: 'refs/tags/v1.2.3',
    sha: 'a'.repeat(40),
    event_name: 'push',
    workflow: 'release',
    workflow_file: 'release.yml',
    runner_environment: 'github-hosted',
    run_id: '7',
    run_attempt: '1',
    ...changes,
  };
  const workflowRef = `${job.repository}/.github/workflows/${job.workflow_file}@${job.ref}`;
  return {
    iss: ISSUER,
    aud: audience,
    sub: `repo:${job.repository}:ref:${job.ref}`,
    iat: now,
    nbf: now - 5,
    exp: now + 600,
    ...job,
    job_workflow_ref: workflowRef,
    job_workflow_sha: job.sha,
    workflow_ref: workflowRef,
    workflow_sha: job.sha,
    san: GITHUB + workflowRef, // what the real Fulcio makes of job_workflow_ref
    ...(changes.raw || {}),
  };
}

// The mock only decodes tokens, so nothing signs them.
const token = (payload) => `${base64url({ alg: 'none', typ: 'JWT' })}.${base64url(payload)}.c2ln`;

const log = (url, key) => ({
  baseUrl: url,
  hashAlgorithm: 'SHA2_256',
  publicKey: { rawBytes: base64(key), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor: { start: START } },
  logId: { keyId: sha256(key).digest('base64') },
});

const chain = (url, certificates) => ({
  subject: { organization: 'sigstore.mock', commonName: 'sigstore' },
  uri: url,
  certChain: { certificates: certificates.map((certificate) => ({ rawBytes: base64(certificate) })) },
  validFor: { start: START },
});

// What a real Rekor stores of a DSSE entry: digests and signatures, not the envelope that was proposed.
function canonicalEntry(entry) {
  if (entry.kind !== 'dsse' || !entry.spec.proposedContent) return entry;
  const { envelope, verifiers } = entry.spec.proposedContent;
  const { payload, signatures } = JSON.parse(envelope);
  const digest = (bytes) => ({ algorithm: 'sha256', value: sha256(bytes).digest('hex') });
  return {
    apiVersion: entry.apiVersion,
    kind: 'dsse',
    spec: {
      envelopeHash: digest(envelope),
      payloadHash: digest(Buffer.from(payload, 'base64')),
      signatures: signatures.map(({ sig }, place) => ({ signature: sig, verifier: verifiers[place] })),
    },
  };
}

async function stamp(tsa, clock, body) {
  // Whole seconds: a fraction that ends in zero is no DER (X.690 section 11.7.3), and the mock writes such ones.
  clock.setTime(Math.floor(Date.now() / 1000) * 1000);
  const request = pkijs.TimeStampReq.fromBER(new Uint8Array(body).buffer);
  const nonce = request.nonce ? BigInt(`0x${Buffer.from(request.nonce.valueBlock.valueHexView).toString('hex')}`) : 1n;
  return tsa.timestamp({
    artifactHash: Buffer.from(request.messageImprint.hashedMessage.valueBlock.valueHexView),
    hashAlgorithmOID: request.messageImprint.hashAlgorithm.algorithmId,
    nonce: Number(nonce & NONCE_MASK),
    policyOID: TSA_POLICY,
    certReq: request.certReq ?? false,
  });
}

async function start(folder) {
  const ctlog = await mock.initializeCTLog(keyPair());
  const ca = await mock.initializeCA(keyPair(), ctlog);
  const clock = new Date(START);
  const tsa = await mock.initializeTSA(keyPair(), clock);
  const fulcio = mock.fulcioHandler(ca, { strict: true, subjectClaim: 'san' });
  let rekor;
  let failures = 0; // how many further requests to the services fail, as a service that is overloaded does

  const routes = {
    'POST /api/v2/signingCert': async ({ json, headers }) =>
      fulcio.fn(
        JSON.stringify({
          credentials: { oidcIdentityToken: (headers.authorization || '').replace(/^Bearer /, '') },
          certificateSigningRequest: Buffer.from(json.certificateSigningRequest, 'base64').toString(),
        }),
      ),
    'POST /api/v1/log/entries': async ({ json }) => rekor.fn(JSON.stringify(canonicalEntry(json))),
    'POST /api/v1/timestamp': async ({ body }) => ({
      statusCode: 200,
      contentType: 'application/timestamp-reply',
      response: await stamp(tsa, clock, body),
    }),
    'GET /token': async ({ query, headers }) => {
      if (headers.authorization !== 'bearer job') return { statusCode: 403, response: 'this job has no such right' };
      const value = token(claims(query.get('audience'), JSON.parse(query.get('claims') || '{}')));
      return { statusCode: 200, contentType: 'application/json', response: JSON.stringify({ value }) };
    },
    'POST /fail': async ({ json }) => {
      failures = json;
      return { statusCode: 204, response: '' };
    },
  };

  const server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', async () => {
      const { pathname, searchParams } = new URL(request.url, 'http://localhost');
      const body = Buffer.concat(parts);
      let answer = { statusCode: 404, response: 'no such place' };
      try {
        const route = routes[`${request.method} ${pathname}`];
        if (route && pathname.startsWith('/api/') && failures > 0) {
          failures -= 1;
          answer = { statusCode: 503, response: 'overloaded' };
        } else if (route) {
          const json = (request.headers['content-type'] || '').includes('json') ? JSON.parse(body) : undefined;
          answer = await route({ body, json, headers: request.headers, query: searchParams });
        }
      } catch (error) {
        answer = { statusCode: 400, response: String(error.stack || error) };
      }
      response.writeHead(answer.statusCode, answer.contentType ? { 'Content-Type': answer.contentType } : {});
      response.end(answer.response);
    });
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${server.address().port}`;
  const tlog = await mock.initializeTLog(url, keyPair());
  rekor = mock.rekorHandler(tlog, { strict: true });

  const trustedRoot = {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [log(url, tlog.publicKey)],
    certificateAuthorities: [chain(url, [ca.rootCertificate])],
    ctlogs: [log(url, ctlog.publicKey)],
    timestampAuthorities: [chain(url, [tsa.intCertificate, tsa.rootCertificate])],
  };
  const service = (place) => [{ url: place, majorApiVersion: 1, validFor: { start: START }, operator: 'sigstore.mock' }];
  const signingConfig = {
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: service(url),
    oidcUrls: service(url),
    rekorTlogUrls: service(url),
    tsaUrls: service(`${url}/api/v1/timestamp`),
    rekorTlogConfig: { selector: 'ANY' },
    tsaConfig: { selector: 'ANY' },
  };
  const mediaType = 'application/vnd.dev.sigstore.clienttrustconfig.v0.1+json';
  const write = (name, value) => fs.writeFileSync(path.join(folder, name), JSON.stringify(value));
  write('trusted_root.json', trustedRoot);
  write('trust_config.json', { mediaType, trustedRoot, signingConfig });
  process.stdin.resume();
  process.stdin.on('end', () => process.exit(0));
  console.log(url);
}

start(process.argv[2]);
