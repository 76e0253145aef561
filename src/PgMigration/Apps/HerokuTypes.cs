namespace PgMigration;

// What the Platform API answers, as far as a cutover reads it.

/// <summary>An app.</summary>
internal sealed record HerokuAppInfo(string Name, bool Maintenance);

/// <summary>A process type of an app and how many dynos it has.</summary>
internal sealed record HerokuProcess(string Type, int Quantity);

/// <summary>A running dyno: of a process type, or a one-off (<c>run</c>, <c>scheduler</c>, <c>release</c>).</summary>
internal sealed record HerokuDyno(string Name, string Type, string State, DateTime? CreatedAt);

/// <summary>A release: each change of config makes one.</summary>
internal sealed record HerokuRelease(int Version, string? Status, string? Description);

/// <summary>An add-on attached to an app under a name, which owns the config var NAME_URL.</summary>
internal sealed record HerokuAttachment(string Id, string Name, string? Namespace, HerokuAddon Addon);

/// <summary>An add-on, and the app that pays for it.</summary>
internal sealed record HerokuAddon(string Id, string Name, HerokuOwner? App);

/// <summary>An app by name.</summary>
internal sealed record HerokuOwner(string Name);

/// <summary>A config var, not named with -ConfigVar, that leads to the database too.</summary>
/// <param name="Name">The config var.</param>
/// <param name="IsAttachment">Whether an attachment owns it.</param>
/// <param name="IsPool">Whether it is one of Heroku's connection pooling.</param>
internal sealed record HerokuOtherVar(string Name, bool IsAttachment, bool IsPool);

/// <summary>How the app was before the pause: kept in the journal.</summary>
/// <param name="App">The app's name.</param>
/// <param name="Id">Names this pause, so that what is parked on the app is known as its own.</param>
/// <param name="Maintenance">Whether maintenance mode was on already.</param>
/// <param name="SourceUser">The login with which the cutover works on the source.</param>
/// <param name="Formation">The process types that are stopped, and their dynos.</param>
internal sealed record HerokuState(string App, string Id, bool Maintenance, string SourceUser, Dictionary<string, int> Formation);

/// <summary>What led to the old database, parked in a config var of the app itself: it is as secret as what it was.</summary>
/// <param name="Id">The pause that parked it.</param>
/// <param name="Vars">For each config var its former value or the attachment that owned it.</param>
internal sealed record HerokuParked(string Id, Dictionary<string, HerokuParkedVar> Vars);

/// <summary>One var: a value of its own, or an attachment's.</summary>
internal sealed record HerokuParkedVar(string? Value, HerokuParkedAttachment? Attachment);

/// <summary>An attachment that owned a config var.</summary>
/// <param name="Name">Its name, such as DATABASE.</param>
/// <param name="Addon">The add-on's id.</param>
/// <param name="Namespace">Such as <c>connection-pooling</c>; null for the default.</param>
/// <param name="Owner">The app that owns the add-on.</param>
/// <param name="Second">The name under which the same add-on stays attached.</param>
/// <param name="Made">Whether we attached it so.</param>
internal sealed record HerokuParkedAttachment(string Name, string Addon, string? Namespace, string? Owner, string Second, bool Made);
