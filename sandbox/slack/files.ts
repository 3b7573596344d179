/** Files as Slack takes them from apps: an address to upload to, the bytes, and a last call that shares them. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { BOT } from './backend.js'
import { type Core, perform } from './core.js'
import { readBytes } from './http.js'
import { asList, asObject, asText, type Json } from './json.js'

/** The path of the addresses that `files.getUploadURLExternal` gives. */
export const UPLOAD_PATH = '/upload/v1/'
/** The path where people download shared files. Unlike at Slack, it asks for no session: there is one machine. */
export const DOWNLOAD_PATH = '/files-pri/'

/** `POST /upload/v1/:id`. emulate checks that the id was given out and isn't complete yet. */
export async function handleUpload(core: Core, req: IncomingMessage, res: ServerResponse, id: string): Promise<void> {
  const bytes = await readBytes(req)
  const contentType = req.headers['content-type'] ?? 'application/octet-stream'
  const status = await core.backend.upload(id, bytes, contentType)
  if (status === 200) core.state.files.set(id, await contents(bytes, contentType))
  res.writeHead(status, { 'content-type': 'text/plain' }).end(status === 200 ? `OK - ${bytes.length}` : 'failed')
}

/** Slack takes the bytes as they are, or the first file of a form. */
async function contents(bytes: Buffer, contentType: string): Promise<Buffer> {
  if (!contentType.startsWith('multipart/form-data')) return bytes
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } }).formData()
  const file = [...form.values()].find((part) => typeof part !== 'string')
  return file instanceof Blob ? Buffer.from(await file.arrayBuffer()) : bytes
}

/** `GET /files-pri/:id/:name`. */
export function handleDownload(core: Core, res: ServerResponse, rest: string): void {
  const [id = '', name = ''] = rest.split('/')
  const bytes = core.state.files.get(id)
  if (!bytes) {
    res.writeHead(404, { 'content-type': 'text/plain' }).end('file_not_found')
    return
  }
  const headers = {
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="${name}"`,
  }
  res.writeHead(200, headers).end(bytes)
}

/** `files.completeUploadExternal`: shares uploaded files in a conversation, or keeps them private without one. */
export async function completeUpload(core: Core, body: Json): Promise<Json> {
  const id = asText(body.channel_id)
  const channel = core.state.channels.get(id)
  // Slack wants the id of a conversation here, also for direct messages.
  if (id && !channel) return { ok: false, error: 'channel_not_found' }
  if (channel && !channel.hasBot) return { ok: false, error: 'not_in_channel' }
  const threadTs = asText(body.thread_ts)
  const answer = await perform(core, 'files.completeUploadExternal', body)
  if (answer.ok !== true || !channel) return answer
  const files = asList(answer.files).map(asObject)
  const ts = files.map(({ shares }) => tsOf(shares, channel.id)).find((one) => one !== '')
  if (!ts) return answer
  core.state.keepMessage({
    ts,
    channel: channel.id,
    ...(threadTs ? { threadTs } : {}),
    user: BOT.id,
    text: asText(body.initial_comment),
    blocks: [],
    isEdited: false,
    reactions: [],
    files: files.map((file) => ({
      id: asText(file.id),
      name: asText(file.name),
      title: asText(file.title),
      size: Number(file.size),
      url: `${core.url}${DOWNLOAD_PATH}${asText(file.id)}/${encodeURIComponent(asText(file.name))}`,
    })),
  })
  return answer
}

/** The message that shared a file in a channel: `shares` is public or private → channel → messages. */
function tsOf(shares: unknown, channel: string): string {
  const byChannel = Object.values(asObject(shares)).map((each) => asList(asObject(each)[channel]))
  return asText(asObject(byChannel.flat()[0]).ts)
}
