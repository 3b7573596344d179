/** Small helpers of the workspace's own HTTP server. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { asObject, type Json, parsed } from './json.js'

/** Reads a body whole. */
export async function readBytes(req: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export function isJson(req: IncomingMessage): boolean {
  return req.headers['content-type']?.includes('application/json') === true
}

const JSON_FIELDS = new Set(['blocks', 'view', 'attachments', 'metadata', 'files', 'outputs'])

/** Reads a JSON body, or form fields, some of which hold JSON as Slack's clients send it. */
export async function readBody(req: IncomingMessage): Promise<Json> {
  const text = (await readBytes(req)).toString('utf8')
  if (isJson(req)) return asObject(parsed(text))
  const fields = [...new URLSearchParams(text)]
  return Object.fromEntries(
    fields.map(([key, value]) => [key, JSON_FIELDS.has(key) ? (parsed(value) ?? value) : value]),
  )
}

export function sendJson(res: ServerResponse, status: number, body: Json, headers: Record<string, string> = {}): void {
  res.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
  res.end(JSON.stringify(body))
}
