FROM node:24-bookworm AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY rolldown.config.ts ./
COPY src src
RUN npm run build && npm prune --omit=dev

# The slim image has no compiler, make or Python, but a shell and the `sleep` that deploy/kubernetes runs.
FROM node:24-bookworm-slim
# Without a PORT nothing would answer the probe below in Socket Mode.
ENV NODE_ENV=production PORT=3000 DATABASE_URL=file:///data/dolly.db
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json .env.example dolly.example.yml manifest.yml LICENSE ./
RUN install --directory --owner node --group node --mode 700 /data
VOLUME /data
EXPOSE 3000
USER node
# A start waits for up to a minute for a database that is away.
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.PORT + '/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/cli.js"]
CMD ["start"]
