using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using System.Runtime;
using System.Runtime.CompilerServices;
using Npgsql;

namespace PgMigration;

/// <summary>
/// Has the runtime compile what will run while the app is paused, before it is paused. Code is compiled when it is first called: in a
/// console that was just opened that is most of a second on a busy machine, and every part of it would be downtime.
/// </summary>
/// <remarks>
/// Code that was compiled by the build needs it too: what the framework's generic methods become for our own types is not in it. Only speed
/// depends on this: whatever a runtime has under other names is compiled when it is called.
/// </remarks>
internal static class CompileAhead
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    // What the steps call beside themselves, the app and the link.
    private static readonly Type[] Called =
    [
        typeof(CutoverRunner), typeof(CutoverContext), typeof(CutoverJournal), typeof(CutoverEntry), typeof(CutoverFacts), typeof(PauseDeadline), typeof(MarkTable), typeof(WalFiller),
        typeof(SourceFence), typeof(SessionsFromBefore), typeof(FenceCanary), typeof(FenceStatements), typeof(FenceRemains), typeof(FenceRecord), typeof(FencedGrant), typeof(FencedServer), typeof(WriteRights), typeof(CatalogChanges), typeof(SinceTheMark), typeof(FenceProof),
        typeof(Preconditions), typeof(PreparedTransactions), typeof(Query), typeof(PgServer), typeof(Lsn), typeof(Redaction), typeof(MigrationProgress), typeof(WayBack), typeof(WayBackRecord),
        typeof(PgBouncerConsole), typeof(WireSession), typeof(PgBouncerIni), typeof(ReplacedFile), typeof(ScramClient), typeof(PooledLogin), typeof(ServerIdentity), typeof(DirectReach), typeof(AppProof),
    ];

    // A journal's line with all that a cutover learns while the app is paused.
    private static readonly CutoverFacts Sample = new()
    {
        Id = "id", Source = "source", Target = "target", Nonce = "nonce", MarkLsn = new Lsn(1), MarkCounts = [1], OpenedLsn = new Lsn(1), App = new AppMemory("app", "state"),
        Fence = new FenceRecord("database", [new FencedGrant("TABLE", ["t"], null, "owner", "grantor", null, ["INSERT"], false)], [new FencedSetting("role", "off")]),
    };

    // By the first cutover of a process.
    private static readonly ConcurrentDictionary<Type, bool> Done = new();

    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Compiles what a cutover runs, beside what the caller does.</summary>
    /// <param name="with">What the steps work with: the app and the link.</param>
    public static Task RunAsync(params object[] with)
    {
        HashSet<Type> doors = [.. Called.Concat(with.Select(each => each.GetType())).Where(type => Done.TryAdd(type, true))];
        bool first = Done.TryAdd(typeof(ICutoverStep), true);
        return doors.Count == 0 ? Task.CompletedTask : Task.Run(() =>
        {
            Prepare(typeof(CompileAhead).Assembly.GetTypes().Where(type => Outermost(type) is var door && (doors.Contains(door) || (first && door.IsAssignableTo(typeof(ICutoverStep))))));
            CutoverJournal.Format(new CutoverEntry(DateTime.UtcNow, CutoverEvent.Learnt, "step", "text", Sample));
        });
    }

    /// <summary>
    /// Waits until the runtime compiles nothing more, or not much longer. A moment after much was called for the first time it compiles in the
    /// background what was called often, better this time: on a machine with few processors that would take its time from the pause.
    /// </summary>
    public static async Task SettleAsync(CancellationToken cancel)
    {
        if (!Done.TryAdd(typeof(JitInfo), true))
        {
            return; // a process that has done a cutover is warm
        }

        long count = -1;
        for (var clock = Stopwatch.StartNew(); count != JitInfo.GetCompiledMethodCount() && clock.Elapsed < Patience;)
        {
            count = JitInfo.GetCompiledMethodCount();
            await Task.Delay(Quiet, cancel); // it tells nobody when it has done
        }
    }

    /// <summary>Sends and reads, over a session that is open anyway, every type of value that the steps do, and sees an error: what the driver needs for it is compiled at the first of each.</summary>
    public static async Task AskAsync(NpgsqlConnection session, CancellationToken cancel)
    {
        var now = await session.ScalarAsync<DateTime>("select clock_timestamp()", cancel);
        await session.RowsAsync("select 1, 'a'::text, null::text where @now < now() and 1 <> all (@numbers) and 'a' <> all (@texts) and 1 < @number and @text = ''",
            row => (row.GetInt32(0), row.GetString(1)), cancel, new NpgsqlParameter<DateTime>("now", now), new NpgsqlParameter<int[]>("numbers", [1]), new NpgsqlParameter<string[]>("texts", ["a"]),
            new NpgsqlParameter<long>("number", 1), new NpgsqlParameter<string>("text", "a"));
        await session.RowsAsync("select array[1]", row => row.GetFieldValue<int[]>(0), cancel);
        await session.RowsAsync("select array['a']", row => row.GetFieldValue<string[]>(0), cancel);
        await session.ScalarAsync<long>("select 1::bigint", cancel);
        await session.ExecuteAsync("do $$ begin raise notice 'read like an error'; end $$", cancel);
        try
        {
            await Task.Yield();
            throw new PostgresException("like the one that a refused write is", "ERROR", "ERROR", PostgresErrorCodes.ReadOnlySqlTransaction);
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.ReadOnlySqlTransaction)
        {
            // seen
        }
    }

    /// <summary>Compiles the methods of types, and what the framework adds to those that are asynchronous.</summary>
    internal static void Prepare(IEnumerable<Type> types)
    {
        foreach (var type in types.Where(type => !type.ContainsGenericParameters))
        {
            foreach (var method in type.GetMethods(Own).Cast<MethodBase>().Concat(type.GetConstructors(Own)).Where(method => !method.IsAbstract && !method.ContainsGenericParameters))
            {
                Prepare(method, []);
            }

            if (type.IsValueType && typeof(IAsyncStateMachine).IsAssignableFrom(type))
            {
                PrepareAsync(type);
            }
        }
    }

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    private static void PrepareAsync(Type machine)
    {
        if (machine.GetField("<>t__builder", Own)?.FieldType is not { } builder)
        {
            return;
        }

        // AsyncTaskMethodBuilder is a shell around one with a result of nothing.
        var inner = builder.IsGenericType ? builder : builder.GetField("m_task", Own)?.FieldType.GetGenericArguments() is [var nothing] ? typeof(AsyncTaskMethodBuilder<>).MakeGenericType(nothing) : null;
        var awaiters = machine.GetFields(Own).Where(field => field.Name.StartsWith("<>u__", StringComparison.Ordinal) && field.FieldType.IsValueType).Select(field => field.FieldType).ToList();
        foreach (var each in new[] { builder, inner }.OfType<Type>().Distinct())
        {
            foreach (var method in each.GetMethods(Own).Where(method => method.IsGenericMethodDefinition))
            {
                switch (method.Name, method.GetGenericArguments().Length)
                {
                    case ("Start" or "GetStateMachineBox", 1):
                        Prepare(method, [machine]);
                        break;
                    case ("AwaitUnsafeOnCompleted" or "AwaitOnCompleted", 2):
                        awaiters.ForEach(awaiter => Prepare(method, [awaiter, machine]));
                        break;
                }
            }
        }

        if (typeof(AsyncTaskMethodBuilder).Assembly.GetType("System.Runtime.CompilerServices.AsyncMethodBuilderCore")?.GetMethod("Start", Own) is { IsGenericMethodDefinition: true } start)
        {
            Prepare(start, [machine]);
        }

        if (inner?.GetGenericTypeDefinition().GetNestedType("AsyncStateMachineBox`1", BindingFlags.NonPublic)?.MakeGenericType([.. inner.GetGenericArguments(), machine]) is { } box)
        {
            foreach (var method in box.GetMethods(Own).Cast<MethodBase>().Concat(box.GetConstructors(Own)))
            {
                Prepare(method, []);
            }
        }
    }

    private static void Prepare(MethodBase method, Type[] arguments)
    {
        try
        {
            Type[] all = [.. method.DeclaringType!.GetGenericArguments(), .. arguments];
            if (all.Length == 0)
            {
                RuntimeHelpers.PrepareMethod(method.MethodHandle);
            }
            else
            {
                RuntimeHelpers.PrepareMethod(method.MethodHandle, Array.ConvertAll(all, type => type.TypeHandle));
            }
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException or InvalidOperationException or TypeLoadException or PlatformNotSupportedException)
        {
            // compiled when it is called
        }
    }
}
