/** Serves the metrics if METRICS_PORT is set. Otherwise nothing is measured, and the library isn't even loaded. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { ConnectionError } from '../errors.js'
import { type Meter, noMeter } from './meter.js'
import type { Metrics, Sources } from './prometheus.js'

/** Where the metrics are read. */
export interface MetricsAddress {
  /** An address of this machine. */
  host: string
  port: number
}

export interface OpenMetrics {
  meter: Meter
  /**
   * Begins to answer GET /metrics. Resolves to what ends it.
   *
   * @throws ConnectionError when it can't listen there.
   */
  serve(sources: Sources): Promise<() => Promise<void>>
}

/** A Prometheus or two keep a connection each. */
const MAX_CONNECTIONS = 16
/** How long a request may take to arrive, in milliseconds, and how large its headers may be, in bytes. */
const LIMITS = {
  requestTimeout: 5_000,
  headersTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8_192,
}

/** @param address undefined where nobody reads metrics. */
export async function openMetrics(address: MetricsAddress | undefined): Promise<OpenMetrics> {
  if (address === undefined) return { meter: noMeter, serve: async () => async () => {} }
  const { createMetrics } = await import('./prometheus.js')
  const metrics = createMetrics()
  return { meter: metrics.meter, serve: (sources) => serve(address, metrics, sources) }
}

async function serve({ host, port }: MetricsAddress, metrics: Metrics, sources: Sources): Promise<() => Promise<void>> {
  const server = createServer(LIMITS, (request, response) => {
    answer(request, response, metrics, sources).catch(() => response.destroy())
  })
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(host, port, error)))
    server.listen(port, host, resolve)
  })
  return async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await closed
  }
}

async function answer(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  metrics: Metrics,
  sources: Sources,
): Promise<void> {
  if (method !== 'GET' || url !== '/metrics') return void response.writeHead(404).end()
  const text = await metrics.scrape(sources)
  response.writeHead(200, { 'content-type': metrics.contentType }).end(text)
}

function cannotListen(host: string, port: number, error: NodeJS.ErrnoException): ConnectionError {
  const place = `Dolly can't serve metrics on port ${port} of ${host}`
  switch (error.code) {
    case 'EADDRINUSE':
      return new ConnectionError(`${place}: another program uses it. Set METRICS_PORT to a free one.`)
    case 'EADDRNOTAVAIL':
      return new ConnectionError(
        `${place}: this machine doesn't have that address. Set METRICS_HOST to one that it has.`,
      )
    default:
      return new ConnectionError(`${place}: ${error.message}. Change METRICS_PORT or METRICS_HOST.`)
  }
}
