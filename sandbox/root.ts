/** The folder of package.json. In the package the demo is in `dist`, so the sandbox's own folder must be one below it too. */
export const ROOT = new URL('../', import.meta.url)
