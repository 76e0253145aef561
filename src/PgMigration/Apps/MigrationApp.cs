namespace PgMigration;

/// <summary>How the application is stopped, pointed elsewhere and started: PgBouncer, Heroku, or the user's own script blocks.</summary>
/// <remarks>Each method is safe to call again: a resumed or undone cutover does.</remarks>
public abstract class MigrationApp
{
    /// <summary>The kind of app in one word, such as <c>PgBouncer</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>The app's own way to its server, where this kind of app knows it: the fence has a write refused there too. Null otherwise.</summary>
    /// <param name="cancel">Ends the question.</param>
    public virtual Task<PgServer?> FindLoginAsync(CancellationToken cancel = default) => Task.FromResult<PgServer?>(null);

    /// <summary>Checks before a cutover that every later call can succeed; changes nothing.</summary>
    /// <param name="source">The server that the app must be on now.</param>
    /// <param name="cancel">Ends the check.</param>
    /// <exception cref="MigrationException">What is missing, and what to do.</exception>
    public abstract Task CheckAsync(PgServer source, CancellationToken cancel = default);

    /// <summary>Makes the app wait (or stop); returns once none of its transactions is open.</summary>
    public abstract Task PauseAsync(CancellationToken cancel = default);

    /// <summary>Points the app at a server. The app stays paused.</summary>
    public abstract Task RepointAsync(PgServer server, CancellationToken cancel = default);

    /// <summary>Lets the app go on.</summary>
    public abstract Task ResumeAsync(CancellationToken cancel = default);
}
