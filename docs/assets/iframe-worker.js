// Browsers start no workers for pages opened from a folder (file://). There, a worker's script runs in a hidden frame
// instead, so that search works without a server. Named so that Material does not fetch the same from the network.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(script) {
      super();
      this.waiting = [];
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.title = "search";
      document.body.append(frame);
      this.scope = frame.contentWindow;
      this.scope.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      this.scope.importScripts = (...urls) =>
        urls.reduce((done, url) => done.then(() => this.load(new URL(url, script).href)), Promise.resolve());
      this.load(script).then(() => {
        this.ready = true;
        this.waiting.splice(0).forEach((data) => this.postMessage(data));
      });
    }

    load(url) {
      return new Promise((resolve, reject) => {
        const element = this.scope.document.createElement("script");
        Object.assign(element, { src: url, onload: resolve, onerror: reject });
        this.scope.document.head.append(element);
      });
    }

    postMessage(data) {
      if (!this.ready) return void this.waiting.push(data);
      this.scope.dispatchEvent(new MessageEvent("message", { data }));
    }

    terminate() {}
  };
}
