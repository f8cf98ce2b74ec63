// What https://jslib.k6.io/url offers: URL and URLSearchParams (the WHATWG URL Standard, without IDNA).

const PORTS = { 'http:': '80', 'https:': '443', 'ws:': '80', 'wss:': '443', 'ftp:': '21' };

const FORM_KEPT = /[A-Za-z0-9*\-._]/;

function formEncode(text) {
  let encoded = '';
  for (const letter of String(text).toWellFormed()) {
    if (letter === ' ') encoded += '+';
    else if (FORM_KEPT.test(letter)) encoded += letter;
    else encoded += encodeURIComponent(letter).replace(/[!'()~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  }
  return encoded;
}

function formDecode(text) {
  const bytes = [];
  const encoded = new TextEncoder().encode(text.replace(/\+/g, ' '));
  for (let place = 0; place < encoded.length; place++) {
    const digits = String.fromCharCode(encoded[place + 1], encoded[place + 2]);
    if (encoded[place] === 37 && /^[0-9A-Fa-f]{2}$/.test(digits)) {
      bytes.push(parseInt(digits, 16));
      place += 2;
    } else bytes.push(encoded[place]);
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

export class URLSearchParams {
  #pairs = [];
  #onChange = () => {};

  constructor(init = '', onChange) {
    if (onChange) this.#onChange = onChange;
    if (typeof init === 'object' && init !== null) {
      const pairs = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
      for (const pair of pairs) {
        const both = [...pair];
        if (both.length !== 2) throw new TypeError('each pair of URLSearchParams is a name and a value');
        this.#pairs.push([String(both[0]), String(both[1])]);
      }
      return;
    }
    for (const part of String(init).replace(/^\?/, '').split('&')) {
      if (part === '') continue;
      const at = part.indexOf('=');
      const [name, value] = at === -1 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
      this.#pairs.push([formDecode(name), formDecode(value)]);
    }
  }

  get size() {
    return this.#pairs.length;
  }

  append(name, value) {
    this.#pairs.push([String(name), String(value)]);
    this.#onChange();
  }

  delete(name, value) {
    const goes = ([own, text]) => own === String(name) && (value === undefined || text === String(value));
    this.#pairs = this.#pairs.filter((pair) => !goes(pair));
    this.#onChange();
  }

  get(name) {
    const pair = this.#pairs.find(([own]) => own === String(name));
    return pair === undefined ? null : pair[1];
  }

  getAll(name) {
    return this.#pairs.filter(([own]) => own === String(name)).map(([, value]) => value);
  }

  has(name, value) {
    return this.#pairs.some(([own, text]) => own === String(name) && (value === undefined || text === String(value)));
  }

  set(name, value) {
    const place = this.#pairs.findIndex(([own]) => own === String(name));
    if (place === -1) return this.append(name, value);
    this.#pairs[place][1] = String(value);
    this.#pairs = this.#pairs.filter(([own], other) => other <= place || own !== String(name));
    this.#onChange();
  }

  sort() {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#onChange();
  }

  forEach(callback, thisArgument) {
    for (const [name, value] of this.#pairs) callback.call(thisArgument, value, name, this);
  }

  *entries() {
    for (const [name, value] of this.#pairs) yield [name, value];
  }

  *keys() {
    for (const [name] of this.#pairs) yield name;
  }

  *values() {
    for (const [, value] of this.#pairs) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  toString() {
    return this.#pairs.map((pair) => pair.map(formEncode).join('=')).join('&');
  }
}

// Percent-encodes what the part of a URL must not have.
function escape(text, forbidden) {
  let escaped = '';
  for (const letter of text.toWellFormed()) {
    escaped += letter > '~' || letter <= ' ' || forbidden.includes(letter) ? percent(letter) : letter;
  }
  return escaped;
}

const percent = (letter) =>
  [...new TextEncoder().encode(letter)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');

function withoutDots(path) {
  const kept = [];
  const parts = path.split('/').slice(1);
  parts.forEach((part, place) => {
    const plain = part.replace(/%2e/gi, '.');
    const isLast = place === parts.length - 1;
    if (plain === '..') kept.pop();
    else if (plain !== '.') return kept.push(part);
    if (isLast) kept.push('');
  });
  return `/${kept.join('/')}`;
}

const PATTERN = /^([A-Za-z][A-Za-z0-9+.-]*:)(?:\/\/([^/?#]*))?([^?#]*)(\?[^#]*)?(#.*)?$/s;

export class URL {
  #parts;
  #searchParams;

  constructor(url, base) {
    const parts = parse(String(url).trim().replace(/[\t\n\r]/g, ''), base === undefined ? undefined : new URL(base));
    if (parts === undefined) throw new TypeError(`Invalid URL: ${url}`);
    this.#parts = parts;
  }

  static canParse(url, base) {
    try {
      return Boolean(new URL(url, base));
    } catch {
      return false;
    }
  }

  get href() {
    const { protocol, pathname, search, hash } = this.#parts;
    return `${protocol}${this.#authority()}${pathname}${search}${hash}`;
  }
  set href(url) {
    this.#parts = new URL(url).#parts;
    this.#searchParams = undefined;
  }
  #authority() {
    const { username, password, hostname } = this.#parts;
    if (hostname === null) return '';
    const user = username === '' && password === '' ? '' : `${username}${password === '' ? '' : `:${password}`}@`;
    return `//${user}${this.host}`;
  }
  get origin() {
    return this.#parts.protocol in PORTS ? `${this.#parts.protocol}//${this.host}` : 'null';
  }
  get protocol() {
    return this.#parts.protocol;
  }
  set protocol(value) {
    this.#parts.protocol = `${String(value).replace(/:.*$/s, '').toLowerCase()}:`;
  }
  get username() {
    return this.#parts.username;
  }
  set username(value) {
    this.#parts.username = escape(String(value), '"#<>?`{}/:;=@[\\]^|');
  }
  get password() {
    return this.#parts.password;
  }
  set password(value) {
    this.#parts.password = escape(String(value), '"#<>?`{}/:;=@[\\]^|');
  }
  get host() {
    const { hostname, port } = this.#parts;
    return `${hostname ?? ''}${port === '' ? '' : `:${port}`}`;
  }
  set host(value) {
    const [, name, port] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?/.exec(String(value));
    this.#parts.hostname = name.toLowerCase();
    if (port !== undefined) this.port = port;
  }
  get hostname() {
    return this.#parts.hostname ?? '';
  }
  set hostname(value) {
    this.#parts.hostname = String(value).toLowerCase();
  }
  get port() {
    return this.#parts.port;
  }
  set port(value) {
    const port = String(value);
    this.#parts.port = port === PORTS[this.#parts.protocol] ? '' : port;
  }
  get pathname() {
    return this.#parts.pathname;
  }
  set pathname(value) {
    this.#parts.pathname = withoutDots(`/${escape(String(value).replace(/^\//, ''), '"#<>?`{}')}`);
  }
  get search() {
    return this.#parts.search;
  }
  set search(value) {
    const text = String(value).replace(/^\?/, '');
    this.#parts.search = text === '' ? '' : `?${escape(text, '"#<>\'')}`;
    this.#searchParams = undefined;
  }
  get searchParams() {
    this.#searchParams ??= new URLSearchParams(this.#parts.search, () => {
      const text = this.#searchParams.toString();
      this.#parts.search = text === '' ? '' : `?${text}`;
    });
    return this.#searchParams;
  }
  get hash() {
    return this.#parts.hash;
  }
  set hash(value) {
    const text = String(value).replace(/^#/, '');
    this.#parts.hash = text === '' ? '' : `#${escape(text, '"<>`')}`;
  }
  toString() {
    return this.href;
  }
  toJSON() {
    return this.href;
  }
}

function parse(text, base) {
  const absolute = PATTERN.exec(text);
  if (absolute === null || (absolute[2] === undefined && absolute[1].toLowerCase() in PORTS)) {
    return absolute === null && base !== undefined ? relative(text, base) : undefined;
  }
  const protocol = absolute[1].toLowerCase();
  const [, , authority, path, search = '', hash = ''] = absolute;
  if (authority === undefined) {
    return { protocol, username: '', password: '', hostname: null, port: '', pathname: path, search, hash };
  }
  const at = authority.lastIndexOf('@');
  const [username = '', password = ''] = at === -1 ? [] : /^([^:]*):?(.*)$/s.exec(authority.slice(0, at)).slice(1);
  const host = /^(\[[0-9A-Fa-f:.]+\]|[^:\s<>\\^|%#[\]]*)(?::(\d*))?$/.exec(authority.slice(at + 1));
  const isSpecial = protocol in PORTS;
  if (host === null || (isSpecial && host[1] === '') || Number(host[2]) > 65535) return undefined;
  const port = host[2] === undefined || host[2] === PORTS[protocol] ? '' : host[2];
  return {
    protocol,
    username,
    password,
    hostname: host[1].toLowerCase(),
    port,
    pathname: isSpecial || path !== '' ? withoutDots(escape(path === '' ? '/' : path, '"<>`{}')) : '',
    search: search === '?' ? '' : escape(search, '"<>\''),
    hash: hash === '#' ? '' : escape(hash, '"<>`'),
  };
}

function relative(text, base) {
  if (text.startsWith('//')) return parse(`${base.protocol}${text}`);
  const [, path, search = '', hash = ''] = /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(text);
  const front = base.href.slice(0, base.href.length - base.pathname.length - base.search.length - base.hash.length);
  if (path === '') return parse(`${front}${base.pathname}${search === '' ? base.search : search}${hash}`);
  const directory = base.pathname.slice(0, base.pathname.lastIndexOf('/') + 1);
  return parse(`${front}${path.startsWith('/') ? path : directory + path}${search}${hash}`);
}
