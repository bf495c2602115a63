// What a page has in every browser and in no jsdom. For tests, imported before what they test.
Element.prototype.scrollIntoView ??= () => {};
HTMLDialogElement.prototype.showModal ??= () => {};
HTMLDialogElement.prototype.close ??= function (this: HTMLDialogElement) {
  this.dispatchEvent(new Event("close"));
};
window.ResizeObserver ??= class {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
};
window.matchMedia ??= (media: string) =>
  Object.assign(new EventTarget(), {
    media,
    matches: false,
    onchange: null,
    addListener: () => {},
    removeListener: () => {},
  });

export {};
