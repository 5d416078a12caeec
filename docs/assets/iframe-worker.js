// Read from a folder of files, a page may start no Worker, in which the search runs. There a
// hidden frame stands for one.
if (location.protocol === "file:") {
  window.Worker = class {
    #frame = document.createElement("iframe");
    #loaded;

    constructor(url) {
      this.#frame.hidden = true;
      document.documentElement.append(this.#frame);
      const inner = this.#frame.contentWindow;
      inner.postMessage = (data) => {
        const copy = structuredClone(data);
        setTimeout(() => this.onmessage?.({ data: copy }));
      };
      const script = inner.document.createElement("script");
      script.src = url;
      this.#loaded = new Promise((resolve) => (script.onload = resolve));
      inner.document.body.append(script);
    }

    async postMessage(data) {
      const copy = structuredClone(data);
      await this.#loaded;
      this.#frame.contentWindow?.onmessage?.({ data: copy });
    }

    terminate() {
      this.#frame.remove();
    }
  };
}
