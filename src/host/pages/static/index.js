// The landing page: the sample call with this server's own address, and a button that makes it.
const message = 'Hello, who are you?';
const body = JSON.stringify({ user_id: 'ada', message });
const headers = { 'content-type': 'application/json', accept: 'text/event-stream' };

const element = (id) => document.getElementById(id);
const command = element('command');
const output = element('output');

command.textContent = command.textContent.replace(/http:\S+(?=\/conversations)/, location.origin);

async function copy({ target }) {
  try {
    await navigator.clipboard.writeText(command.textContent);
    target.textContent = 'Copied';
  } catch {
    // Off localhost and https there is no clipboard: the text is marked for copying by hand.
    getSelection().selectAllChildren(command);
  }
}

async function run({ target }) {
  target.disabled = true;
  output.hidden = false;
  output.textContent = '';
  try {
    const answer = await fetch('/conversations', { method: 'POST', headers, body });
    for await (const text of texts(answer.body)) {
      output.append(text);
      output.scrollTop = output.scrollHeight;
    }
  } catch (error) {
    output.append(`\n${error.message}`);
  } finally {
    target.disabled = false;
  }
}

/** The stream's text as it comes; read by hand, since not every browser iterates over a stream. */
async function* texts(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

async function showState() {
  const state = element('state');
  const up = await fetch('/health').then(
    (answer) => answer.ok,
    () => false,
  );
  state.textContent = up ? 'up' : 'not well';
  state.classList.add(up ? 'up' : 'down');
}

element('copy').addEventListener('click', (click) => void copy(click));
element('run').addEventListener('click', (click) => void run(click));
await showState();
