/** Serves the sandbox's page, which `npm run build:demo` builds. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ROOT } from '../root.js'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.txt': 'text/plain',
}

/**
 * Reads the page. What it returns answers every request that is not one of the sandbox's own routes.
 *
 * @throws Error if it isn't built.
 */
export function pageMiddleware(): (request: IncomingMessage, response: ServerResponse) => void {
  const folder = fileURLToPath(new URL('dist/page', ROOT))
  if (!existsSync(folder)) throw new Error('There is no built page. Run "npm run build:demo" first.')
  const files = new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length).replaceAll('\\', '/'), readFileSync(path)]),
  )
  return (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://sandbox')
    const path = pathname === '/' ? '/index.html' : pathname
    const body = files.get(path)
    const type = body ? (TYPES[extname(path)] ?? 'application/octet-stream') : 'text/plain'
    response.writeHead(body ? 200 : 404, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' })
    response.end(body ?? 'There is nothing at this address of the sandbox.\n')
  }
}
