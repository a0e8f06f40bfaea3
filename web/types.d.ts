// Global types that JSDoc cannot express, and those of the JSON of the REST API (docs/reference/rest.md).

/** Class of the elements that `element('p.muted')` makes. */
type ElementNamed<N extends string> = N extends `${infer T}.${string}`
  ? ElementNamed<T>
  : N extends keyof HTMLElementTagNameMap
    ? HTMLElementTagNameMap[N]
    : HTMLElement;

/** What an element may contain; `null`, `undefined` and `false` leave nothing behind. */
type Content = Node | string | number | false | null | undefined | readonly Content[];

declare namespace Registry {
  /** Metadata of a package or extension, as other programs may have stored it. */
  type Meta = Record<string, unknown> & {
    app_id: string;
    baseName: string;
    os: string;
    arch: string;
    app_revision: string;
  };

  /** Item of a package or extension in a list. */
  interface Item {
    _id: string;
    created: string;
    updated: string;
    size?: number;
    downloads?: number;
    meta: Meta;
  }

  /** Numbers, or other values, by operating system and architecture. */
  type BySystem<T> = Record<string, Record<string, T>>;

  /** Operating system and architecture in the registry's words. */
  interface System {
    os: string;
    arch: string;
  }

  /** Release or draft in the summary of an application. */
  interface Row {
    _id: string;
    name: string;
    revision: string;
    /** Version of its packages; empty if there is none. */
    version: string;
    /** When the first of its packages was built. */
    built: string | null;
    description: string;
    public: boolean;
    access: number;
    created: string;
    updated: string;
    size: number;
    downloads: number;
    packages: BySystem<number>;
    extensions: BySystem<number>;
    ready: boolean;
    ready_for: BySystem<boolean>;
    /** Override of the readiness: whether an editor set "not ready"; `null` for the automatic one. */
    held: boolean | null;
    /** Whether the row is a draft; set by the administration, not by the server. */
    isDraft?: boolean;
  }

  /** Totals of an application. */
  interface Total {
    releases: number;
    drafts: number;
    packages: number;
    extensions: number;
    size: number;
    downloads: number;
  }

  /** Application in a summary or a list. */
  interface Application {
    _id: string;
    name: string;
    description: string;
    public: boolean;
    access: number;
    templates: Record<string, string>;
  }

  /** Answer of `GET /app/:app_id/summary`. */
  interface Summary {
    app: Application;
    total: Total;
    releases: Row[];
    drafts: Row[];
  }
}

/** Values of https://wicg.github.io/ua-client-hints/, which TypeScript does not know. */
interface UserAgentData {
  mobile: boolean;
  platform: string;
  getHighEntropyValues?(hints: string[]): Promise<{ architecture?: string; bitness?: string }>;
}

/** What Slicer calls in the window of the catalog. */
interface SlicerApp {
  search(text: unknown): void;
  setExtensionButtonState(name: unknown, state: unknown): void;
  createNotice(text: unknown, milliseconds: unknown, kind: unknown): void;
  $vuetify: { theme: { dark: boolean } };
}

interface Navigator {
  readonly userAgentData?: UserAgentData;
}
interface Window {
  app?: SlicerApp;
  /** Qt's QWebChannel object, with methods and properties of the version of Slicer. */
  extensions_manager_model?: unknown;
  extensions_install_widget?: { refresh(): void };
}
