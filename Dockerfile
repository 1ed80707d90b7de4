# parley on Node, in three stages: the packages are installed in the first, the pages are built in
# the second, and only these and the program are in the third. Build: docker build -t parley . Run: see compose.yaml.

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools ./tools
# The image has its own Node, so the one among the optional packages is left out.
RUN npm ci --omit=dev && rm -rf node_modules/node-linux-* node_modules/.bin/node

FROM node:24-slim AS pages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY tools ./tools
RUN npm ci
COPY src ./src
COPY web ./web
COPY migrations ./migrations
RUN npm run assets

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=packages /app/node_modules ./node_modules
COPY --from=pages /app/dist/assets ./dist/assets
COPY package.json ./
COPY migrations ./migrations
COPY src ./src
# The words of the pages that are read without scripts.
COPY web/languages ./web/languages
# The only folder that is written to; the rest of the file system may be read-only.
RUN mkdir /data && chown node:node /data
VOLUME /data
USER node

ENV HOST=0.0.0.0 PORT=8787 DATABASE_URL=file:/data/parley.db
EXPOSE 8787
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8787/health').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# It is the first process of the container: signals reach it, and nothing is in between.
CMD ["node", "--disable-warning=ExperimentalWarning", "--import=./src/host/node/tuning/module-formats.ts", "src/host/node/main.ts"]
