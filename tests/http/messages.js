// SPDX-License-Identifier: MIT
// messages.js - as messages.c does it, by the parser that Node has (llhttp, strict)
'use strict';
process.noDeprecation = true;
const fs = require('fs');
const { HTTPParser, methods, allMethods } = process.binding('http_parser');
const names = allMethods || methods;

function takeApart(kind, data) {
  const messages = [];
  let message = null, upgraded = false, last = false;
  const parser = new HTTPParser();
  parser.initialize(kind === 'q' ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {}, 0, 0);
  const hex = (text) => Buffer.from(text, 'latin1').toString('hex');
  const begin = (minor, major, fields, method, url, status, upgrade, keep) => {
    message = {
      method: method === undefined ? '' : hex(names[method]),
      target: url === undefined ? '' : hex(url),
      body: '', status: status || 0, major, minor, fields: [],
    };
    for (let i = 0; fields && i < fields.length; i += 2)
      message.fields.push({ name: hex(fields[i]), value: hex(fields[i + 1]) });
    upgraded = upgrade;
    last = last || upgrade || !keep;
  };
  let kept = [], url = '';
  parser[HTTPParser.kOnHeaders] = (fields, more) => { // when there are many
    kept = kept.concat(fields);
    url += more;
  };
  parser[HTTPParser.kOnHeadersComplete] =
    (major, minor, fields, method, target, status, text, upgrade, keep) => {
      begin(minor, major, kept.length ? kept : fields, method,
        target === undefined && kind === 'q' ? url : target, status, upgrade, keep);
      kept = [];
      url = '';
      return 0;
    };
  parser[HTTPParser.kOnBody] = (body, offset, size) => {
    message.body += offset === undefined ? body.toString('hex') :
      body.slice(offset, offset + size).toString('hex');
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    messages.push(message);
    message = null;
    kept = []; // of trailers
    url = '';
  };
  let ret = parser.execute(data);
  let end = ret instanceof Error ? ret.code + ': ' + ret.reason : 'done';
  if (end === 'done' && message !== null) {
    ret = parser.finish(); // the end of the connection ends some responses
    end = message === null ? 'done' : 'more';
  } else if (end === 'done' && messages.length === 0) {
    end = 'more';
  }
  return { messages, end, upgraded };
}

const all = fs.readFileSync(0);
const lines = [];
for (let at = 0; at < all.length;) {
  const size = all.readUInt32BE(at + 1);
  lines.push(JSON.stringify(takeApart(String.fromCharCode(all[at]),
    all.subarray(at + 5, at + 5 + size))));
  at += 5 + size;
}
fs.writeSync(1, lines.join('\n') + '\n');
