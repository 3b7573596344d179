/** Serves the sandbox's page from its sources, as middleware of the sandbox's server. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { createServer, type Plugin } from 'vite'

interface PageMiddleware {
  /** Answers every request that is not one of the sandbox's own routes. */
  handle(request: IncomingMessage, response: ServerResponse): void
  close(): Promise<void>
}

/** Starts Vite inside the caller's server: no port of its own, no file watching, no reloading. */
export async function pageMiddleware(): Promise<PageMiddleware> {
  const vite = await createServer({
    root: fileURLToPath(new URL('.', import.meta.url)),
    configFile: false,
    appType: 'spa',
    logLevel: 'error',
    plugins: [react(), withoutClient],
    cacheDir: fileURLToPath(new URL('../../node_modules/.vite/sandbox', import.meta.url)),
    server: { middlewareMode: true, hmr: false, ws: false, watch: null, warmup: { clientFiles: ['./main.tsx'] } },
    // All dependencies of the page are listed: if Vite found one later, it would reload the page while people use it.
    optimizeDeps: {
      noDiscovery: true,
      include: [
        'react',
        'react-dom',
        'react-dom/client',
        'react/jsx-dev-runtime',
        'react/jsx-runtime',
        'slack-blocks-to-jsx',
      ],
    },
  })
  return {
    handle: (request, response) => {
      vite.middlewares(request, response, () => {
        response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' })
        response.end('There is nothing at this address of the sandbox.\n')
      })
    },
    close: () => vite.close(),
  }
}

/** Removes Vite's client from the page. It would open a web socket, and there is nothing to reload. */
const withoutClient: Plugin = {
  name: 'without-client',
  transformIndexHtml: {
    order: 'post',
    handler: (html) => html.replace(/<script type="module" src="\/@vite\/client"><\/script>\s*/, ''),
  },
}
