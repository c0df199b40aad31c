// The bank answers behind the number sign of the address, which browsers do not send: this
// gives it to the same address as a parameter, and leaves no trace of it in the history.
'use strict';
location.replace(location.pathname + '?' + new URLSearchParams([
  ...new URLSearchParams(location.search), ['fragment', location.hash.slice(1)],
]));
