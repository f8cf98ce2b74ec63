// What https://jslib.k6.io/httpx offers: sessions with a base URL, headers, tags and a timeout.

import http from 'k6/http';

export class Request {
  constructor(method, url, body, params) {
    Object.assign(this, { method, url, body, params: params ?? {} });
  }
}

const requestClass = (method) =>
  class extends Request {
    constructor(url, body, params) {
      super(method, url, body, params);
    }
  };

export const Get = requestClass('GET');
export const Post = requestClass('POST');
export const Put = requestClass('PUT');
export const Patch = requestClass('PATCH');
export const Delete = requestClass('DELETE');
export const Options = requestClass('OPTIONS');
export const Head = requestClass('HEAD');

export class Httpx {
  constructor({ baseURL = '', headers = {}, tags = {}, timeout } = {}) {
    this.baseURL = baseURL;
    this.headers = { ...headers };
    this.tags = { ...tags };
    this.timeout = timeout;
  }

  setBaseUrl(url) {
    this.baseURL = url;
  }

  addHeader(name, value) {
    this.headers[name] = value;
  }

  addHeaders(headers) {
    Object.assign(this.headers, headers);
  }

  clearHeader(name) {
    delete this.headers[name];
  }

  addTag(name, value) {
    this.tags[name] = value;
  }

  addTags(tags) {
    Object.assign(this.tags, tags);
  }

  clearTag(name) {
    delete this.tags[name];
  }

  #url(url) {
    const isWhole = typeof url !== 'string' || /^[a-z][a-z0-9+.-]*:\/\//i.test(url);
    return isWhole ? url : this.baseURL + url;
  }

  #params(params) {
    const own = params ?? {};
    const merged = { ...own, headers: { ...this.headers, ...own.headers }, tags: { ...this.tags, ...own.tags } };
    if (merged.timeout === undefined && this.timeout !== undefined) merged.timeout = this.timeout;
    return merged;
  }

  request(method, url, body = null, params = {}) {
    return http.request(method, this.#url(url), body, this.#params(params));
  }

  asyncRequest(method, url, body = null, params = {}) {
    return http.asyncRequest(method, this.#url(url), body, this.#params(params));
  }

  get(url, body, params) {
    return this.request('GET', url, body, params);
  }

  post(url, body, params) {
    return this.request('POST', url, body, params);
  }

  put(url, body, params) {
    return this.request('PUT', url, body, params);
  }

  patch(url, body, params) {
    return this.request('PATCH', url, body, params);
  }

  delete(url, body, params) {
    return this.request('DELETE', url, body, params);
  }

  options(url, body, params) {
    return this.request('OPTIONS', url, body, params);
  }

  head(url, body, params) {
    return this.request('HEAD', url, body, params);
  }

  trace(url, body, params) {
    return this.request('TRACE', url, body, params);
  }

  // Params of the batch are those of all its requests; a request's own come first.
  batch(requests, params = {}) {
    return http.batch(
      requests.map(({ method, url, body, params: own }) => [
        method,
        this.#url(url),
        body ?? null,
        this.#params({
          ...params,
          ...own,
          headers: { ...params.headers, ...own?.headers },
          tags: { ...params.tags, ...own?.tags },
        }),
      ]),
    );
  }
}

export default new Httpx();
