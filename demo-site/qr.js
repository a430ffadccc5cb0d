// The only file that knows the writer of QR codes.

const WRITER = "./node_modules/lean-qr/index.mjs";


/**
 * Draws a text as a QR code.
 * @param {HTMLCanvasElement} canvas
 * @returns {Promise<boolean>} false where the writer was not installed
 */
export async function drawQr(canvas, text) {
  const writer = await import(WRITER).catch(() => null);
  if (!writer) return false;
  const code = writer.generate(text, { minCorrectionLevel: writer.correction.M });
  code.toCanvas(canvas, { on: [0, 0, 0, 255], off: [255, 255, 255, 255] });
  return true;
}
