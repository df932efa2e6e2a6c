// Lets unmodified Flatfile packages work with this server. Load it before the program:
//   node --require ./preload.cjs program.mjs      or      NODE_OPTIONS="--require ./preload.cjs"
// It does three things, each only where it is needed, and nothing in programs without those packages.
'use strict'

const http = require('node:http')
const https = require('node:https')
const Module = require('node:module')
const { urlToHttpOptions } = require('node:url')

redirectPubSub(serverOrigin())
dropKeepAliveHeader()
makeDefaultImportWork()

// 1. The event stream. @flatfile/listener-driver-pubsub can only call https://ps<N>.pndsn.com;
//    those requests, and no others, go to this server instead.

function serverOrigin() {
  const address = process.env.AGENT_INTERNAL_URL || process.env.FLATFILE_API_URL
  if (!address) return undefined
  try {
    const url = new URL(address)
    return /^https?:$/.test(url.protocol) ? url : undefined
  } catch {
    return undefined // the client itself says that the address is wrong
  }
}

function redirectPubSub(origin) {
  if (!origin) return
  const secure = origin.protocol === 'https:'
  const request = secure ? https.request : http.request
  // The stream is one long request after another: a kept connection saves a handshake each time.
  const agent = new (secure ? https : http).Agent({ keepAlive: true })
  const prefix = origin.pathname.replace(/\/+$/, '').replace(/\/v1$/, '').replace(/\/api$/, '')
  const { hostname } = urlToHttpOptions(origin)

  const { request: originalRequest, get: originalGet } = https
  https.request = function (...args) {
    const options = requestOptions(args)
    if (!isPubSub(options)) return originalRequest.apply(this, args)
    const path = prefix + (options.path || '/')
    const headers = withoutHeader(options.headers, 'host')
    const ours = { protocol: origin.protocol, hostname, port: origin.port || (secure ? 443 : 80), path, headers, agent }
    const unset = { host: undefined, href: undefined, servername: undefined, defaultPort: undefined, auth: undefined }
    const callback = args.find((arg) => typeof arg === 'function')
    return request({ ...options, ...unset, ...ours }, callback)
  }
  https.get = function (...args) {
    if (!isPubSub(requestOptions(args))) return originalGet.apply(this, args)
    const sent = https.request(...args)
    sent.end()
    return sent
  }
  Module.syncBuiltinESMExports() // so that `import { request } from 'node:https'` sees it too
}

// https.request(url[, options][, callback]) or https.request(options[, callback])
function requestOptions([first, second]) {
  if (typeof first !== 'string' && !(first instanceof URL)) return first || {}
  const extra = typeof second === 'object' ? second : {}
  try {
    return { ...urlToHttpOptions(new URL(first)), ...extra }
  } catch {
    return extra // no address: https.request itself reports it
  }
}

function isPubSub(options) {
  const host = String(options.hostname || options.host || '')
  return /(^|\.)pndsn\.com(:\d+)?$/i.test(host)
}

function withoutHeader(headers, name) {
  if (!headers || Array.isArray(headers)) return headers
  return Object.fromEntries(Object.entries(headers).filter(([key]) => key.toLowerCase() !== name))
}

// 2. @flatfile/api 1.23.1 sends a Keep-Alive header, which Node's fetch refuses: nothing is sent at all.

function dropKeepAliveHeader() {
  const original = globalThis.fetch
  if (typeof original !== 'function') return
  globalThis.fetch = function fetch(input, init) {
    if (!init || !init.headers) return original.call(this, input, init)
    let headers
    try {
      headers = new Headers(init.headers)
    } catch {
      return original.call(this, input, init) // not headers at all: fetch itself reports it
    }
    if (!headers.has('keep-alive')) return original.call(this, input, init)
    headers.delete('keep-alive')
    return original.call(this, input, { ...init, headers })
  }
}

// 3. In plain Node ES modules `import api from "@flatfile/api"` is the package's CommonJS exports, so
//    `api.workbooks` would be undefined. The exports answer for the default client as well: whatever they
//    do not have themselves is looked up there. `api.default` and the named exports stay as they are.

function makeDefaultImportWork() {
  const load = Module._load
  Module._load = function (request, ...rest) {
    const exported = load.call(this, request, ...rest)
    if (/(^|[\\/])@flatfile[\\/]api([\\/]index\.js)?$/.test(request)) answerForClient(exported)
    return exported
  }
}

function answerForClient(exported) {
  const client = exported && exported.__esModule && exported.default
  if (!client || typeof exported.FlatfileClient !== 'function' || !(client instanceof exported.FlatfileClient)) return
  for (let level = client; level && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    for (const name of Object.getOwnPropertyNames(level)) {
      if (name === 'constructor' || name.startsWith('_') || name in exported) continue
      const get = () => (typeof client[name] === 'function' ? client[name].bind(client) : client[name])
      Object.defineProperty(exported, name, { get, configurable: true }) // not enumerable: no new export
    }
  }
}
