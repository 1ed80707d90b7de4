/**
 * Limits what the PDF library does for one file. It unpacks a stream in one step and reads a page
 * in one go, whatever that takes; a Worker has no thread that could be ended, and no memory to
 * spare. So checks are added to the places where its buffers, its tables and its work grow. A
 * library in which one of these places has changed is refused.
 */
import { CHECKS } from './checks.ts';

interface Place {
  code: string;
  /** The number of times that it occurs. */
  times?: number;
  becomes: string;
}

const PLACES: readonly Place[] = [
  {
    code: 'if(e<=t.byteLength)return t;let n=this.minBufferLength;for(;n<e;)n*=2;',
    becomes:
      'if(e<=t.byteLength)return t;let n=this.minBufferLength;for(;n<e;)n*=2;checkLimit(this,n);',
  },
  // Each state inherits from the one before, so a thousand that nobody restores take minutes.
  {
    code: 'save(){let e=this.state;this.stateStack.push(this.state),',
    becomes:
      'save(){if(this.stateStack.length>=512)return;let e=this.state;this.stateStack.push(this.state),',
  },
  // The runtime's own streams would unpack all parts of a page side by side, and without a limit.
  { code: 'get isAsync(){return this.#e}', times: 2, becomes: 'get isAsync(){return!1}' },
  // The clock of a Worker stands still while it computes, so work is counted.
  {
    code: 'check(){return++this.checked<TimeSlotManager.CHECK_TIME_EVERY?!1:(this.checked=0,this.endTime<=Date.now())}',
    becomes: 'check(){return needsPause()}',
  },
  {
    code: 'enqueueChunk(!0),Promise.all([t,o.ready]).then',
    becomes: 'enqueueChunk(!0),Promise.all([t,o.ready,pause(C)]).then',
  },
  {
    code: 'read(e){let t=e.args;for(;;){let n=this.parser.getObj();',
    becomes:
      'read(e){let t=e.args;for(;;){countWork(this.parser.xref,1);let n=this.parser.getObj();',
  },
  // A form is a page in a page, and may hold others.
  {
    code: 'let h=e.dict?.objId,g=new RefSet(p);',
    becomes: 'countWork(this.xref,FORM);let h=e.dict?.objId,g=new RefSet(p);',
  },
  // What is passed over is read without a pause.
  {
    code: 'if(!i){warn$1(`Unknown command "${r}".`);continue}',
    becomes: 'if(!i){countWork(this.parser.xref,PASSED_OVER);continue}',
  },
  {
    code: 'warn$1(`Skipping ${e}`),t!==null&&(t.length=0);continue',
    becomes: 'countWork(this.parser.xref,PASSED_OVER),t!==null&&(t.length=0);continue',
  },
  // Strings and names end at a length that no real one has.
  {
    code: 'if(t)break;i||(r=this.nextChar())',
    becomes: 'if(t||n.length>LONGEST)break;i||(r=this.nextChar())',
  },
  {
    code: '(this._hexStringNumWarn=0;;)if(t<0)',
    becomes: '(this._hexStringNumWarn=0;;)if(t<0||e.length>LONGEST)',
  },
  {
    code: 'for(n.length=0;(e=this.nextChar())>=0&&!rt[e];)',
    becomes: 'for(n.length=0;(e=this.nextChar())>=0&&!rt[e]&&n.length<LONGEST;)',
  },
  // A line of a font's character table may stand for millions of characters.
  {
    code: 'if(t-e>at)throw Error(`mapCidRange',
    becomes: 'if(countMapped(this,t-e),t-e>at)throw Error(`mapCidRange',
  },
  {
    code: 'if(t-e>at)throw Error(`mapBfRange -',
    becomes: 'if(countMapped(this,t-e),t-e>at)throw Error(`mapBfRange -',
  },
  {
    code: 'return shadow$1(this,`annotations`,Array.isArray(e)?e:[])',
    becomes: 'return shadow$1(this,`annotations`,Array.isArray(e)?fewEnough(this.xref,e):[])',
  },
  // Which page a field is on is not asked here, and finding it looks through all pages.
  {
    code: 'static async _getPageIndex(e,t,n){try{',
    becomes: 'static async _getPageIndex(e,t,n){if(e)return-1;try{',
  },
  {
    code: 'if(!(n instanceof L)||a.has(n))return;a.put(n);let c=await s.fetchAsync(n);',
    becomes:
      'if(!(n instanceof L)||a.has(n))return;a.put(n);countWork(s,FIELD);let c=await s.fetchAsync(n);',
  },
];

/**
 * Adds the checks to the library.
 * @param source `pdfjs.mjs` of `unpdf`
 * @throws Error when a place is no longer there
 */
export function limitPdfLibrary(source: string): string {
  let limited = source;
  for (const { code, times = 1, becomes } of PLACES) {
    if (limited.split(code).length - 1 !== times)
      throw new Error(`the PDF library has changed: what is limited is in another place: ${code}`);
    limited = limited.replaceAll(code, () => becomes);
  }
  return limited + CHECKS;
}
