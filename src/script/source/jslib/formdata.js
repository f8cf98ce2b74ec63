// What https://jslib.k6.io/formdata offers: multipart/form-data bodies in the order of their fields.

const CRLF = '\r\n';

function bytesOf(data) {
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (Array.isArray(data)) return new Uint8Array(data);
  return new TextEncoder().encode(String(data));
}

const quoted = (text) => String(text).replace(/\r/g, '%0D').replace(/\n/g, '%0A').replace(/"/g, '%22');

export class FormData {
  constructor() {
    const digits = new Uint8Array(16);
    for (let place = 0; place < digits.length; place++) digits[place] = Math.floor(Math.random() * 256);
    this.boundary = `------RWWorkerFormDataBoundary${[...digits].map((digit) => digit.toString(16).padStart(2, '0')).join('')}`;
    this.parts = [];
  }

  // `data`: text, bytes, or { data, filename, content_type } as http.file() gives.
  append(fieldName, data, fileName) {
    if (arguments.length < 2) throw new SyntaxError('Not enough arguments');
    let file = fileName === undefined ? undefined : { data, filename: fileName };
    if (data !== null && typeof data === 'object' && 'data' in data) file = data;
    const part = { field: String(fieldName), value: bytesOf(file === undefined ? data : file.data) };
    if (file !== undefined) {
      part.filename = file.filename;
      part.contentType = file.content_type;
    }
    this.parts.push(part);
  }

  contentType() {
    return `multipart/form-data; boundary=${this.boundary}`;
  }

  // An ArrayBuffer.
  body() {
    const pieces = [];
    const text = (piece) => pieces.push(new TextEncoder().encode(piece));
    for (const { field, value, filename, contentType } of this.parts) {
      let head = `--${this.boundary}${CRLF}Content-Disposition: form-data; name="${quoted(field)}"`;
      if (filename !== undefined) head += `; filename="${quoted(filename)}"`;
      head += CRLF;
      if (contentType || filename !== undefined) {
        head += `Content-Type: ${contentType || 'application/octet-stream'}${CRLF}`;
      }
      text(head + CRLF);
      pieces.push(value);
      text(CRLF);
    }
    text(`--${this.boundary}--${CRLF}`);
    const body = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      body.set(piece, at);
      at += piece.length;
    }
    return body.buffer;
  }
}
