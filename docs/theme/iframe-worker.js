// A page that is opened as a file may not start a worker. So the search then runs in an iframe.
if (location.protocol === 'file:') {
  const load = (scope, url) =>
    new Promise((resolve, reject) => {
      const script = scope.document.createElement('script')
      Object.assign(script, { src: url, onload: resolve, onerror: reject })
      scope.document.body.append(script)
    })

  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.frame = document.createElement('iframe')
      this.frame.hidden = true
      this.scope = new Promise((resolve) => {
        this.frame.onload = () => {
          const scope = this.frame.contentWindow
          scope.postMessage = (data) => this.dispatchEvent(new MessageEvent('message', { data }))
          scope.importScripts = async (...urls) => {
            for (const each of urls) await load(scope, each)
          }
          resolve(load(scope, url).then(() => scope))
        }
      })
      document.body.append(this.frame)
    }

    async postMessage(data) {
      const scope = await this.scope
      scope.dispatchEvent(new scope.MessageEvent('message', { data }))
    }

    terminate() {
      this.frame.remove()
    }
  }
}
