namespace PgMigration;

/// <summary>How the application is stopped, pointed elsewhere and started: PgBouncer, Heroku, or the user's own script blocks.</summary>
/// <remarks>Each method is safe to call again, also after a death in the middle of it: a resumed or undone cutover does.</remarks>
public abstract class MigrationApp
{
    /// <summary>The kind of app in one word, such as <c>PgBouncer</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>The app's own way to its server, where this kind of app knows it: the fence has a write refused there too. Null otherwise.</summary>
    /// <param name="cancel">Ends the question.</param>
    public virtual Task<PgServer?> FindLoginAsync(CancellationToken cancel = default) => Task.FromResult<PgServer?>(null);

    /// <summary>The user's own test of the promoted target, before the app is let in; null for none.</summary>
    public AppSmokeTest? SmokeTest { get; init; }

    /// <summary>How long a pause may take where the user does not say it.</summary>
    public virtual TimeSpan UsualPauseTimeout => TimeSpan.FromSeconds(10);

    /// <summary>How long the app's clients wait while it is paused before they get an error, as <see cref="CheckAsync"/> found it; null for ever, or when nobody knows.</summary>
    public virtual TimeSpan? LongestWait => null;

    /// <summary>Whether its clients only wait while it is paused, so that it may be let through for a moment and paused again at no price.</summary>
    internal virtual bool MakesClientsWait => false;

    /// <summary>What the engineer should know after the last call although it succeeded; one sentence each, never a secret.</summary>
    public virtual IReadOnlyList<string> Remarks => [];

    /// <summary>What <see cref="CheckAsync"/> and <see cref="CheckTargetAsync"/> could not prove: a cutover begins only if each is accepted by name.</summary>
    public virtual IReadOnlyList<UnprovenPath> Unproven => [];

    /// <summary>The app's logins as a cutover knows them, with their secrets: what the checks may try on the app's own path.</summary>
    internal virtual IReadOnlyList<PgServer> Logins { get; set; } = [];

    /// <summary>The server's sessions of clients that the last pause disconnected: their processes, and the ports they came from. The server may not have noticed yet.</summary>
    internal virtual IReadOnlyList<(int ProcessId, int ClientPort)> CutOff => [];

    /// <summary>Checks before a cutover that every later call can succeed; changes nothing.</summary>
    /// <param name="source">The server that the app must be on now.</param>
    /// <param name="cancel">Ends the check.</param>
    /// <exception cref="MigrationException">What is missing, and what to do.</exception>
    public abstract Task CheckAsync(PgServer source, CancellationToken cancel = default);

    /// <summary>Checks before a cutover, and after <see cref="CheckAsync"/>, that the app could be pointed at a server; changes nothing.</summary>
    /// <param name="target">The server as the app is to reach it. It is a standby still.</param>
    /// <param name="cancel">Ends the check.</param>
    /// <exception cref="MigrationException">What is wrong with the way there.</exception>
    public virtual Task CheckTargetAsync(PgServer target, CancellationToken cancel = default) => Task.CompletedTask;

    /// <summary>How the app is now, as far as letting it go on needs to know it: kept in the journal before the app is paused. Never a secret.</summary>
    /// <returns>Null when there is nothing to remember.</returns>
    public virtual Task<string?> RememberAsync(CancellationToken cancel = default) => Task.FromResult<string?>(null);

    /// <summary>Takes what <see cref="RememberAsync"/> gave, in this session or another.</summary>
    public virtual void Recall(string remembered)
    {
    }

    /// <summary>Makes the app wait (or stop); returns once none of its transactions is open.</summary>
    public abstract Task PauseAsync(CancellationToken cancel = default);

    /// <summary>Points the app at a server. The app stays paused.</summary>
    public abstract Task RepointAsync(PgServer server, CancellationToken cancel = default);

    /// <summary>Takes <see cref="RepointAsync"/> back: the app, still paused, is pointed at the server that it came from, as it was.</summary>
    /// <param name="source">That server.</param>
    /// <param name="cancel">Ends it.</param>
    public virtual Task PointBackAsync(PgServer source, CancellationToken cancel = default) => RepointAsync(source, cancel);

    /// <summary>Lets the app go on.</summary>
    public abstract Task ResumeAsync(CancellationToken cancel = default);

    /// <summary>Proves, after <see cref="ResumeAsync"/>, which server answers the app: by a query over the app's own path.</summary>
    /// <param name="logins">The logins that are known, as servers; the app may use another address for them.</param>
    /// <param name="identity">What the server that should answer says of itself; see <c>ServerIdentity</c>.</param>
    /// <param name="cancel">Ends it.</param>
    /// <returns>What was seen, in words; null where this kind of app has no such path, so that nothing was proven.</returns>
    /// <exception cref="MigrationException">Another server answered, or none did.</exception>
    public virtual async Task<string?> ProveAsync(IReadOnlyList<PgServer> logins, string identity, CancellationToken cancel = default)
    {
        if (await FindLoginAsync(cancel) is not { } path)
        {
            return null;
        }

        string answer = await ServerIdentity.ReadAsync(path, cancel);
        return answer == identity ? $"a query by the app's own address {path.Host}:{path.Port} was answered by the server there"
            : throw new MigrationException("AppOnOtherServer", MigrationErrorKind.InvalidOperation,
                $"The app's own address {path.Host}:{path.Port} leads to another server than expected ({answer}, expected {identity}). Check where the app is pointed.");
    }
}
