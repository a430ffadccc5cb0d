// The edge host: the same request bytes over HTTP.

const ADDRESS = "./v1/recommendations";
const JSON_TYPE = "application/json";
const MSGPACK = "application/msgpack";
const WAIT_MS_MAX = 10_000;

/**
 * Sends the request bytes and takes the answer's bytes as they come.
 * @param {Uint8Array} requestBytes
 * @returns {Promise<{bytes: Uint8Array, ms: number, moduleId: string | null, modelId: string | null}>} `ms` is the round trip
 * @throws {Error} when no host answers; the message says why in words for the visitor
 */
export async function askHost(requestBytes) {
  const start = performance.now();
  let response, bytes;
  try {
    response = await fetch(ADDRESS, {
      method: "POST",
      headers: { "content-type": MSGPACK },
      body: requestBytes,
      signal: AbortSignal.timeout(WAIT_MS_MAX),
    });
    bytes = new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw new Error(error.name === "TimeoutError" ? "the host did not answer in time" : "no connection", { cause: error });
  }
  const ms = performance.now() - start;
  // A refused request is an answer too (the module refuses it here as well); a failing or foreign server is none.
  const isAnswer = response.headers.get("content-type")?.startsWith(MSGPACK) && response.status < 500;
  if (!isAnswer) throw new Error(`the server answered ${response.status}`);
  return {
    bytes,
    ms,
    moduleId: response.headers.get("x-unisono-module-id"),
    modelId: response.headers.get("x-unisono-model-id"),
  };
}

/** Stores events, each with its `profile_id`; to send them again does no harm. Answers a result an event. */
export const sendEvents = (events) => call("POST", "./v1/events", { events });

export const sendConsents = (profileId, consents) => call("POST", "./v1/consents", { profile_id: profileId, consents });

export const sendLinks = (profileId, links) => call("POST", "./v1/links", { profile_id: profileId, links });

/** All that the store holds of a profile, or null where it knows none of that id. */
export async function storedProfile(profileId) {
  return call("GET", `./v1/profiles/${encodeURIComponent(profileId)}`).catch((error) => {
    if (error.status === 404) return null;
    throw error;
  });
}

/** Erases a profile and all that are linked with it: `{profile_ids, erased_ms}`. */
export const eraseStored = (profileId) => call("DELETE", `./v1/profiles/${encodeURIComponent(profileId)}?scope=component`);

/** A code that is good once and for minutes: `{code, expires_ms}`. */
export const pairingCode = (profileId) => call("POST", "./v1/pairings", { profile_id: profileId });

/** Links a profile with the one whose code this is: `{profile_id, linked}`, the profile whose code it was. */
export const redeemCode = (code, profileId) => call("POST", "./v1/pairings/redeem", { code, profile_id: profileId });

/** Whether an error says that this host has no such address, as hosts older than the page have not. */
export const isMissing = ({ status, code }) => status === 405 || (status === 404 && !code?.startsWith("pairing"));

async function call(method, address, body) {
  let response;
  try {
    response = await fetch(address, {
      method,
      headers: { accept: JSON_TYPE, ...(body && { "content-type": JSON_TYPE }) },
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(WAIT_MS_MAX),
    });
  } catch (cause) {
    throw new HostError(0, "unreachable", cause.name === "TimeoutError" ? "the host did not answer in time" : "no connection");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const { code, message } = answer.error ?? {};
  throw new HostError(response.status, code, message ?? `the server answered ${response.status}`);
}

class HostError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
