import { defineConfig } from 'rolldown'

/** The bot in one file: Node takes twice as long to start from the hundreds of small ones that it and its libraries are. */
export default defineConfig({
  input: 'src/cli.ts',
  platform: 'node',
  // CommonJS or native: these are loaded as they were installed.
  external: [/^(better-sqlite3|node-cron|pg|pino)$/, /^@slack\//],
  output: { dir: 'dist', cleanDir: true },
})
