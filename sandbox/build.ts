/** `npm run build:demo`: the demo beside the bot in dist, so that it runs from the package without a dependency of its own. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { build, type Plugin } from 'rolldown'
import { build as buildPage } from 'vite'
import { external, licences } from '../rolldown.config.js'
import { ROOT } from './root.js'

const inRoot = (path: string) => fileURLToPath(new URL(path, ROOT))

/** Leaves out what the demo doesn't use of emulate: the services beside Slack, and the fonts of its own pages. */
const onlySlack: Plugin = {
  name: 'only-slack',
  transform: {
    filter: { id: /\/emulate\/dist\/[\w-]+\.js$/ },
    handler(code, id) {
      const isSlack = (file: string) => readFileSync(join(dirname(id), file), 'utf8').includes('slackPlugin')
      return code
        .replaceAll(/await import\("\.\/(dist-\w+\.js)"\)/g, (load, file) => (isSlack(file) ? load : '{}'))
        .replaceAll(/readFileSync\(join\(__dirname, "fonts".*?\)\)/g, 'null')
    },
  },
}

await build({
  input: { demo: 'sandbox/demo.ts', 'demo-bot': 'sandbox/demo-bot.mjs' },
  cwd: inRoot('.'),
  platform: 'node',
  external,
  plugins: [onlySlack, licences('demo.LICENSES.txt')],
  output: { dir: 'dist', entryFileNames: '[name].mjs', chunkFileNames: 'demo-[name].mjs' },
})

await buildPage({
  root: inRoot('sandbox/web'),
  configFile: false,
  logLevel: 'warn',
  plugins: [react(), licences('LICENSES.txt')],
  build: { outDir: inRoot('dist/page'), emptyOutDir: true, chunkSizeWarningLimit: 2_000 },
})
