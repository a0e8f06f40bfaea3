// What the administration uses of Girder's web client (@girder/core 5), which has no types of its own.
// biome-ignore-all lint/suspicious/noExplicitAny: values of Backbone models and jQuery plugins have no types.

declare namespace Girder {
  /** jqXHR of a failed request. */
  interface Xhr {
    status: number;
    responseJSON?: { message?: string };
  }

  interface RestOptions {
    method: string;
    url: string;
    data?: unknown;
    contentType?: string;
    error?: null;
  }

  /** jQuery's promise of a request. */
  interface Request {
    done(listener: (body: any) => void): this;
    fail(listener: (xhr: Xhr) => void): this;
  }

  /** jQuery with the plugins of Girder and Bootstrap. */
  interface Selection {
    length: number;
    first(): this;
    after(content: Element): this;
    empty(): this;
    append(content: Element): this;
    find(selector: string): this;
    trigger(event: string): this;
    one(event: string, listener: () => void): this;
    modal(action: string): this;
    girderModal(view: false): this;
  }

  interface Events {
    on(event: string, listener: () => void): void;
    once(event: string, listener: (...given: unknown[]) => void): void;
    trigger(event: string, ...given: unknown[]): void;
  }

  /** Backbone model of a folder, an item or a user. */
  interface Model extends Events {
    id: string;
    resourceName: string;
    get(key: string): any;
    has(key: string): boolean;
    name(): string;
    downloadUrl(): string;
  }

  /** Backbone view. */
  class View {
    constructor(settings: object);
    el: HTMLElement;
    $(selector: string): Selection;
    destroy(): void;
    render(): this;
    model: Model;
    selectForView(view: string): void;
    /** Of the first page. */
    brandName?: string;
    /** Of a HierarchyWidget: folders from the root to the current one. */
    breadcrumbs: Model[];
    parentModel: Model;
    _routing: boolean;
    _showActions: boolean;
    /** Ours: identifies the latest drawing. */
    spmTurn?: object;
  }

  interface Client {
    $: {
      (selector: string): Selection;
      param(parameters: object): string;
      ajaxPrefilter(filter: (options: { type?: string; headers?: Record<string, string> }) => void): void;
    };
    Backbone: { history: { fragment?: string } };
    auth: {
      getCurrentUser(): Model | null;
      setCurrentUser(user: null): void;
      setCurrentToken(token: null): void;
    };
    constants: { AccessType: { NONE: number; READ: number; WRITE: number; ADMIN: number } };
    events: Events;
    /** Start the application; called after the scripts of all plugins have run. */
    initializeDefaultApp(...given: unknown[]): Promise<unknown>;
    misc: {
      DATE_SECOND: number;
      DATE_YYMMDD: number;
      formatDate(time: string, resolution: number): string;
      formatSize(bytes: number): string;
    };
    pluginUtils: { registerPluginNamespace(name: string, namespace: object): void };
    rest: { restRequest(options: RestOptions): Request; cancelRestRequests(type: string): void };
    router: {
      route(path: string, name: string, handler: (...parts: string[]) => void): void;
      navigate(path: string, options: { trigger: boolean }): void;
    };
    utilities: {
      PluginUtils: {
        exposePluginConfig(name: string, route: string): void;
        wrap(view: typeof View, method: string, wrapper: (this: View, original: () => void) => View): void;
      };
      eventStream: Events & { _websocket?: WebSocket; open(): void };
    };
    views: {
      View: typeof View;
      body: { ItemView: typeof View; FrontPageView: typeof View };
      layout: { GlobalNavView: typeof View; FooterView: typeof View };
      widgets: { HierarchyWidget: typeof View; PluginConfigBreadcrumbWidget: typeof View };
    };
  }
}

interface Window {
  girder: Girder.Client;
}
