/** The Slack CLI asks for the app's manifest as JSON, in the folder of the project. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

process.stdout.write(JSON.stringify(parse(readFileSync('manifest.yml', 'utf8'))))
