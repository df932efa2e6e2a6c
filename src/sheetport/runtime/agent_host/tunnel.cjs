// Where the machine gives agents no network namespace, names lead nowhere: this has net, tls and fetch dial the
// server's gate instead. `ports` has a port of loopback for each "host:port" that the agent may call, `proxy` is one
// for fetch.
'use strict'

const net = require('node:net')
const tls = require('node:tls')

module.exports = function tunnel({ proxy, ports }) {
  const portFor = (host, port) => ports[`${String(host).toLowerCase()}:${port}`]

  const { connect } = net.Socket.prototype
  net.Socket.prototype.connect = function (...args) {
    const list = Array.isArray(args[0]) ? args[0] : args // the built-in modules hand an array on
    if (typeof list[0] === 'object' && list[0] !== null) {
      const port = portFor(list[0].host, list[0].port)
      if (port) list[0] = { ...list[0], host: '127.0.0.1', port, lookup: undefined }
    } else {
      const port = portFor(list[1], list[0])
      if (port) list.splice(0, 2, port, '127.0.0.1')
    }
    return connect.apply(this, args)
  }

  const { connect: secure } = tls
  tls.connect = function (...args) {
    const at = args.findIndex((arg) => typeof arg === 'object' && arg !== null)
    const options = at < 0 ? {} : { ...args[at] }
    if (typeof args[0] === 'number') options.port = args[0]
    if (typeof args[1] === 'string') options.host = args[1]
    const port = portFor(options.host, options.port)
    if (!port) return secure.apply(this, args)
    const callback = args.find((arg) => typeof arg === 'function')
    const servername = options.servername || options.host
    return secure.call(this, { ...options, servername, host: '127.0.0.1', port, lookup: undefined }, callback)
  }

  const { fetch } = globalThis
  const client = Deno.createHttpClient({ proxy: { url: `http://127.0.0.1:${proxy}` } })
  globalThis.fetch = function (input, init) {
    const request = new Request(input, init)
    const url = new URL(request.url)
    const port = portFor(url.hostname, url.port || (url.protocol === 'https:' ? 443 : 80))
    return port ? fetch(request, { client }) : fetch(input, init)
  }
}
