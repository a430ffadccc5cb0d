// The edge host: the same request bytes over HTTP.

const ADDRESS = "./v1/recommendations";
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
